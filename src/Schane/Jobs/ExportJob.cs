using System.Diagnostics;
using Schane.Data.Transforms;
using Schane.Export;
using Schane.Inference;
using Schane.Jobs.Int8;
using Schane.Runs;
using static TorchSharp.torch;

namespace Schane.Jobs;

/// <summary>Writes a trained run as an ONNX file that is proved to compute the same: what <c>schane export</c> does.</summary>
public static class ExportJob
{
    /// <summary>Writes the file, runs it on ONNX Runtime beside the trained model, and keeps it only where both agree. In int8, which can't
    /// agree, the model in float32 must, and the file is kept where it costs no more than <see cref="OnnxOptions.Int8Limit"/>.</summary>
    /// <param name="run">Run folder, or the <c>model.safetensors</c> or <c>adapter.safetensors</c> of one.</param>
    /// <param name="file">Path of the ONNX file; <c>FILE.data</c> beside it where the weights are over
    /// <see cref="OnnxOptions.ExternalAbove"/>.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="inputs">At least 64 images to compare on; null for images of the run's data, or look-alikes where
    /// these can't be opened. Not for int8, which needs the run's own images.</param>
    /// <param name="force">Replaces an existing file.</param>
    /// <param name="dataRoot">Folder of the named data sets.</param>
    /// <param name="cancellationToken">Stops between weights and between passes; nothing is left then.</param>
    /// <exception cref="SchaneException">No finished run there, too few images, the file can't be written, or the exported model does not
    /// agree with the trained one or costs too much.</exception>
    public static ExportResult Run(
        string run, string file, OnnxOptions? options = null, IReadOnlyList<string>? inputs = null, bool force = false,
        string? dataRoot = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(file);
        options ??= new();
        var clock = Stopwatch.StartNew();
        var folder = File.Exists(run) ? null : RunFolder.Open(run);
        using var place = new Place(file, force);
        var weights = folder?.Model ?? run;
        var int8 = options.Weights == OnnxWeights.Int8 ? Whole(weights, folder, inputs, options, dataRoot) : null;
        var (path, float32) = int8 is null ? (place.File, options)
            : (place.Beside("float32"), options with { Weights = OnnxWeights.Float32 });
        var metadata = Metadata(weights, folder);
        var (trained, pictures, nodes) = Write(weights, folder, path, metadata, float32, inputs, dataRoot, cancellationToken);
        var written = clock.Elapsed;
        // The trained model is gone by now: the certificate needs the memory of one.
        var certificate = OnnxExport.Compare(path, trained, pictures.ForFile, ParityCertificate.LeastInputs,
            pictures.Source, float32, cancellationToken);
        if (!certificate.Passed)
            throw new ParityException(certificate);
        Int8Certificate? cost = null;
        if (int8 is not null)
            (nodes, cost) = int8.Run(metadata, path, place.File, place.Beside("values"), cancellationToken);
        if (cost is { Passed: false })
            throw new Int8Exception(cost);
        var proofs = new Dictionary<string, string> { ["parity"] = certificate.ToJson() };
        if (cost is not null)
            proofs["int8"] = cost.ToJson();
        OnnxWriter.Append(place.File, proofs);
        var (bytes, data) = place.Keep();
        return new(file, bytes, data, nodes, options.Opset, written.TotalSeconds, clock.Elapsed.TotalSeconds, certificate)
        { Int8 = cost };
    }

    private static Int8Export Whole(string weights, RunFolder? folder, IReadOnlyList<string>? inputs, OnnxOptions options,
        string? dataRoot) =>
        inputs is null ? new(weights, Int8Images.Of(folder, dataRoot), options)
            : throw new SchaneException("Int8 takes its ranges from the run's own images and is measured on them; leave --inputs out.");

    private static ((float[], float[]) Trained, ParityInputs Pictures, int Nodes) Write(
        string weights, RunFolder? folder, string file, IReadOnlyDictionary<string, string> metadata, OnnxOptions options,
        IReadOnlyList<string>? inputs, string? dataRoot, CancellationToken stop)
    {
        using var model = RunModel.Load(weights, "cpu");
        var preset = TransformPreset.Find(model.Augmentation);
        var pictures = inputs is null
            ? ParityInputs.OfRun(folder, dataRoot, preset, model.Input, options.Normalises)
            : ParityInputs.OfFiles(inputs, preset, model.Input, options.Normalises);
        var nodes = OnnxExport.Write(model.Classifier, file, metadata, options, stop: stop);
        return (OnnxExport.Outputs(model.Classifier, pictures.ForModel, ParityCertificate.LeastInputs, CPU, stop), pictures, nodes);
    }

    private static Dictionary<string, string> Metadata(string weights, RunFolder? folder)
    {
        var texts = RunModel.TextsOf(weights);
        if (folder is not null && File.Exists(folder.Recipe))
            texts["recipe"] = File.ReadAllText(folder.Recipe);
        return texts;
    }

    /// <summary>A folder beside the target that is written to; its files move to their places together or not at all.</summary>
    private sealed class Place : IDisposable
    {
        private readonly string target, folder;

        public Place(string target, bool force)
        {
            this.target = target;
            var shown = Printable.Escape(target);
            if (Directory.Exists(target))
                throw new SchaneException($"'{shown}' is a folder; name a file with --onnx.");
            if (Path.Exists(target) && !force)
                throw new SchaneException($"'{shown}' is there already; replace it with --force or name another file with --onnx.");
            if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(target))))
                throw new SchaneException($"The folder of '{shown}' is not there; make it or name another file with --onnx.");
            folder = $"{target}.{Environment.ProcessId}.tmp";
            try
            {
                Directory.CreateDirectory(folder);
            }
            catch (Exception e) when (e is UnauthorizedAccessException or IOException)
            {
                throw new SchaneException($"'{shown}' can't be written ({e.Message.TrimEnd('.')}); name another file with --onnx.", e);
            }
        }

        public string File => Path.Combine(folder, Path.GetFileName(target));

        /// <summary>A file of the same name in a folder of its own, which is not kept.</summary>
        public string Beside(string name) =>
            Path.Combine(Directory.CreateDirectory(Path.Combine(folder, $"{Path.GetFileName(target)}.{name}")).FullName,
                Path.GetFileName(target));

        /// <returns>Bytes of both files, and the name of the second where there is one.</returns>
        public (long Bytes, string? Data) Keep()
        {
            var (file, data) = (File, File + OnnxWriter.DataSuffix);
            var bytes = new FileInfo(file).Length;
            if (!System.IO.File.Exists(data))
                data = null;
            else
            {
                bytes += new FileInfo(data).Length;
                System.IO.File.Move(data, target + OnnxWriter.DataSuffix, overwrite: true);
            }
            System.IO.File.Move(file, target, overwrite: true);
            return (bytes, data is null ? null : target + OnnxWriter.DataSuffix);
        }

        public void Dispose() => Directory.Delete(folder, recursive: true);
    }
}

/// <summary>What an export left.</summary>
/// <param name="Onnx">The file.</param>
/// <param name="Bytes">Its size, with that of <paramref name="Data"/>.</param>
/// <param name="Data">The file with the weights beside it; null where they are in the file.</param>
/// <param name="Nodes">Nodes of the graph.</param>
/// <param name="Opset">Version of its operators.</param>
/// <param name="WriteSeconds">From opening the run until the file was written and the trained model had run, in seconds.</param>
/// <param name="Seconds">All of it, the certificate too.</param>
/// <param name="Parity">The certificate; of the model in float32 where the file is in int8.</param>
public sealed record ExportResult(string Onnx, long Bytes, string? Data, int Nodes, int Opset, double WriteSeconds,
    double Seconds, ParityCertificate Parity)
{
    /// <summary>What int8 costs and gains; null for a file that is not in int8.</summary>
    public Int8Certificate? Int8 { get; init; }
}
