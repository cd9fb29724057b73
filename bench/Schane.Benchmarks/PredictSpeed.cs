using System.Diagnostics;
using System.Globalization;
using Schane.Data;
using Schane.Data.Sets;
using Schane.Inference;
using Schane.Jobs;
using Schane.Models;
using Schane.Runs;
using SkiaSharp;
using static TorchSharp.torch;

namespace Schane.Benchmarks;

/// <summary>
/// How fast <see cref="Classifier"/> answers from a run as it is loaded by default, beside libtorch alone and an exported ONNX file. Whole
/// predictions, from the bytes of an image to its probabilities, all in one process, in turn.
/// </summary>
internal static class PredictSpeed
{
    private const int Pictures = 64;

    public static int Run(string[] names)
    {
        var folder = Directory.CreateTempSubdirectory("schane-predict-").FullName;
        try
        {
            Console.WriteLine($"{get_num_threads()} threads");
            foreach (var name in names.Length > 0 ? names : ["schane_tiny", "resnet18", "vit_tiny_patch16_224"])
                One(name, Path.Combine(folder, name));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        return 0;
    }

    private static void One(string name, string path)
    {
        var run = Untrained(name, path);
        var onnx = Path.Combine(path, "model.onnx");
        ExportJob.Run(path, onnx);
        var files = PicturesIn(path);
        using var trained = Classifier.Load(run.Root, new() { UseOnnxRuntime = false });
        Classifier.Load(run.Root).Dispose();                              // makes the copy
        using var usual = Classifier.Load(run.Root);
        using var exported = Classifier.Load(onnx);
        var bytes = File.ReadAllBytes(files[0]);
        void All(Classifier classifier)
        {
            foreach (var prediction in classifier.PredictFiles(files))
                ArgumentNullException.ThrowIfNull(prediction.Top[0].Class);
        }
        void Alone(Classifier classifier)
        {
            using var stream = new MemoryStream(bytes);
            classifier.Predict(stream);
        }
        var times = Times.Interleaved(5, get_num_threads(),
            (() => All(trained), 1), (() => All(usual), 1), (() => All(exported), 1),
            (() => Alone(trained), 16), (() => Alone(usual), 16), (() => Alone(exported), 16));
        string Rates(string what, int pictures, ReadOnlySpan<Times> of) => string.Create(CultureInfo.InvariantCulture,
            $"{what}, images/s: libtorch {1000 * pictures / of[0].Wall:f1}, run {1000 * pictures / of[1].Wall:f1}, " +
            $"ONNX file {1000 * pictures / of[2].Wall:f1}; run against libtorch {of[0].Wall / of[1].Wall:f2} ×, against the ONNX file " +
            $"{of[2].Wall / of[1].Wall:f2} ×");
        Console.WriteLine($"{name}: {Rates($"{Pictures} files", Pictures, times.AsSpan(0, 3))}");
        Console.WriteLine($"{name}: {Rates("one stream at a time", 1, times.AsSpan(3))}");
    }

    /// <summary>A run folder with random weights, 100 classes.</summary>
    internal static RunFolder Untrained(string name, string path)
    {
        var run = RunFolder.Create(path, force: false);
        using var made = new RunModel(new ImageClassifier(ModelRegistry.Create(name, 1), 100),
            [.. Enumerable.Range(0, 100).Select(c => $"class {c}")], "none");
        made.Save(run.Model);
        return run;
    }

    /// <summary>64 look-alikes as JPEG files.</summary>
    internal static string[] PicturesIn(string path)
    {
        var folder = Directory.CreateDirectory(Path.Combine(path, "images")).FullName;
        var data = new LookalikesDataset(LookalikesPart.Test);
        return [.. Enumerable.Range(0, Pictures).Select(i =>
        {
            var file = Path.Combine(folder, $"{i:d2}.jpg");
            File.WriteAllBytes(file, Jpeg(data.Read(i)));
            return file;
        })];
    }

    private static byte[] Jpeg(Image8 picture)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(picture.Width, picture.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var to = bitmap.GetPixelSpan();
        for (var i = 0; i < picture.Width * picture.Height; i++)
            for (var c = 0; c < 4; c++)
                to[4 * i + c] = c == 3 ? (byte)255 : picture.Pixels[i * picture.Channels + Math.Min(c, picture.Channels - 1)];
        using var jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90);
        return jpeg.ToArray();
    }

    /// <summary>How long does the command take to its first answer, from a cold process? Nine processes, one after another;
    /// wanted: at most 1.0 s.</summary>
    public static int First(string[] names)
    {
        var folder = Directory.CreateTempSubdirectory("schane-first-").FullName;
        try
        {
            foreach (var name in names.Length > 0 ? names : ["schane_tiny"])
            {
                var path = Path.Combine(folder, name);
                Untrained(name, path);
                ExportJob.Run(path, Path.Combine(path, "model.onnx"));
                var picture = PicturesIn(path)[0];
                foreach (var model in (string[])[path, Path.Combine(path, "model.onnx")])
                {
                    var seconds = Enumerable.Range(0, 9).Select(_ => Command("predict", model, picture)).Order().ToArray();
                    Console.WriteLine(
                        string.Create(CultureInfo.InvariantCulture, $"{name}, {(Directory.Exists(model) ? "run" : "ONNX")}: median " +
                            $"{seconds[4]:f2} s ({seconds[0]:f2} to {seconds[^1]:f2})"));
                }
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        return 0;
    }

    private static double Command(params string[] arguments)
    {
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows()
            ? "Schane.Cli.exe" : "Schane.Cli"), arguments)
        { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? clock.Elapsed.TotalSeconds : throw new InvalidOperationException(errors);
    }
}
