using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Schane.Data.Reading;
using Schane.Data.Transforms;
using Schane.Tensors;

namespace Schane.Benchmarks;

/// <summary>
/// Is RandomResizedCrop(224), flip, normalise from JPEG files faster than torchvision on Pillow, and are the images the same?
/// Both read the same files, cut the same boxes and use one thread; rounds take turns and count processor time, so that other work
/// on the machine matters little.
/// </summary>
internal static class DataAgainstTorchvision
{
    private const string Python = "/usr/bin/python3";
    private const int Side = 224, Rounds = 9;

    // Functional calls with given boxes: what torchvision's transforms do after they have drawn.
    private const string Script = """
        import json, sys, time
        import torch
        from PIL import Image
        from torchvision.transforms import InterpolationMode, functional as F
        torch.set_num_threads(1)
        folder = sys.argv[1]
        boxes = json.load(open(folder + "/boxes.json"))
        def draw(box):
            name, left, top, width, height, flip = box
            image = Image.open(folder + "/" + name).convert("RGB")
            image = F.resized_crop(image, top, left, height, width, [224, 224], InterpolationMode.BICUBIC)
            return F.hflip(image) if flip else image
        def tensor(image):
            return F.normalize(F.to_tensor(image), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        with open(folder + "/expected.bin", "wb") as out:
            for box in boxes:
                out.write(draw(box).tobytes())
        print("ready", flush=True)
        for _ in sys.stdin:
            start = time.process_time()
            for box in boxes:
                tensor(draw(box))
            print((time.process_time() - start) * 1e6 / len(boxes), flush=True)
        """;

    public static void Run(string folder, IReadOnlyList<string> files)
    {
        var crop = new RandomResizedCrop(Side);
        var pipeline = new ImagePipeline(new(3, Side, [0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]), crop, new HorizontalFlip());
        // Flipped or not: the pipeline's own next number.
        var boxes = files.Select((file, i) =>
        {
            var random = new SampleRandom(1, 0, i, 0);
            var (width, height) = ImageDecoder.Measure(File.ReadAllBytes(file), file);
            var box = crop.Draw(width, height, ref random);
            return new object[] { Path.GetFileName(file), box.Left, box.Top, box.Width, box.Height,
                random.NextDouble() < new HorizontalFlip().Probability };
        });
        File.WriteAllText(Path.Combine(folder, "boxes.json"), JsonSerializer.Serialize(boxes));
        if (!File.Exists(Python) || Start(folder) is not { } python)
        {
            Console.WriteLine($"Not compared with torchvision: {Python} can't import torch, torchvision and PIL (Debian: " +
                "python3-torchvision, python3-pil).");
            return;
        }
        using (python)
        {
            var output = new float[3 * Side * Side];
            void Draw(int i)
            {
                var random = new SampleRandom(1, 0, i, 0);
                pipeline.ApplyToFile(File.ReadAllBytes(files[i]), files[i], ImageLimits.Default, ref random, output);
            }
            Console.WriteLine("mean difference to Pillow: " +
                $"{Difference(pipeline, Draw, output, files.Count, Path.Combine(folder, "expected.bin")):f5} levels of 8 bits");

            List<double> ours = [], theirs = [];
            for (var round = -1; round < Rounds; round++)                 // the first warms up
            {
                python.StandardInput.WriteLine("go");
                var other = double.Parse(python.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
                var start = DataSpeed.Used();
                for (var i = 0; i < files.Count; i++)
                    Draw(i);
                var own = (DataSpeed.Used() - start).TotalMicroseconds / files.Count;
                if (round < 0)
                    continue;
                ours.Add(own);
                theirs.Add(other);
            }
            Console.WriteLine($"torchvision + Pillow   {Median(theirs),8:f0} µs an image ({theirs.Min():f0})");
            Console.WriteLine($"Schane                 {Median(ours),8:f0} µs an image ({ours.Min():f0})");
            Console.WriteLine($"images a second and core: {Median([.. theirs.Zip(ours, (t, o) => t / o)]):f2} times torchvision's " +
                $"(median of {Rounds} pairs); least against least {theirs.Min() / ours.Min():f2}");
            python.StandardInput.Close();
            python.WaitForExit();
        }
    }

    private static double Difference(ImagePipeline pipeline, Action<int> draw, float[] output, int count, string expected)
    {
        var bytes = File.ReadAllBytes(expected);
        float[] mean = [0.485f, 0.456f, 0.406f], std = [0.229f, 0.224f, 0.225f];
        var plane = pipeline.Output.Height * pipeline.Output.Width;
        double sum = 0;
        for (var i = 0; i < count; i++)
        {
            draw(i);
            for (var p = 0; p < plane; p++)
                for (var c = 0; c < 3; c++)
                    sum += Math.Abs((output[c * plane + p] * std[c] + mean[c]) * 255 - bytes[(i * plane + p) * 3 + c]);
        }
        return sum / count / plane / 3;
    }

    private static Process? Start(string folder)
    {
        var python = Process.Start(new ProcessStartInfo(Python, ["-c", Script, folder])
        { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        python.ErrorDataReceived += (_, _) => { };
        python.BeginErrorReadLine();
        if (python.StandardOutput.ReadLine() == "ready")
            return python;
        python.Dispose();
        return null;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
