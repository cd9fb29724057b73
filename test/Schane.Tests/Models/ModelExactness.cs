using Schane.Export;
using Schane.Models;
using Schane.Models.Convolutional;
using Schane.Models.Layers;
using Schane.Models.Transformers;
using Schane.Tests.Data;
using Schane.Tests.Export;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>
/// An architecture of the registry at its own widths, one block of each shape and a small input, 8 images and 1, float32 and bf16, against
/// itself in float64.
/// </summary>
internal static class ModelExactness
{
    private const int Classes = 10, Images = 8;

    /// <summary>Of each precision, and of the whole gradient of the input.</summary>
    private static readonly (Precision, double, double)[] Tolerances = [(Precision.Float32, 1e-4, 1e-4), (Precision.Bf16, 3e-2, 0.5)];

    /// <summary>What is wrong with it.</summary>
    public static IEnumerable<string> Faults(string name)
    {
        Console.WriteLine(name);
        Console.Out.Flush();
        var faults = new List<string>();
        void Check(string what, double error, double tolerance)
        {
            Console.WriteLine($"{name}: {what} {error:0.0e0} of {tolerance:0e0}");
            if (!(error <= tolerance))
                faults.Add($"{name}: {what} is off by {error:0.0e0}");
        }
        using var scope = NewDisposeScope();
        using var model = Made(name);
        using (var exact = Made(name))
        {
            exact.to(ScalarType.Float64);
            foreach (var rows in (int[])[Images, 1])
            {
                var wanted = Passes(exact, rows);
                foreach (var (precision, tolerance, direction) in Tolerances)
                {
                    model.Precision = precision;
                    var actual = Passes(model, rows);
                    Check($"{precision} logits of {rows}", Error(wanted.Logits, actual.Logits), tolerance);
                    Check($"{precision} size of input gradients of {rows}", Middle(wanted.Input, actual.Input, g => g.norm()), tolerance);
                    Check($"{precision} input gradient of {rows}", Middle(wanted.Input, actual.Input, g => g), direction);
                    Check($"{precision} gradient norms of {rows}", Error(wanted.Norms, actual.Norms), tolerance);
                }
            }
        }
        model.Precision = Precision.Float32;
        model.zero_grad();
        model.eval();
        using (no_grad())
        {
            var images = Input(model, Images);
            var together = model.Forward(images).Logits.softmax(1);
            var alone = cat([.. Enumerable.Range(0, Images).Select(i => model.Forward(images.narrow(0, i, 1)).Logits.softmax(1))]);
            Check("probabilities alone and in a batch", (together - alone).abs().max().ToDouble(), 1e-4);
        }
        Check("export", Certificate(model) is { Passed: true } ? 0 : 1, 0);
        return faults;
    }

    private static string Shallow(string name) => ModelRegistry.ShapeOf(name) switch
    {
        ResNetShape { Blocks.Length: 4 } or SwinShape => $"{name}:depths=2-2-2-2",
        ConvNeXtShape => $"{name}:depths=1-1-1-1",
        VisionTransformerShape or BeitShape or Beit3Shape => $"{name}:depth=1",
        _ => name,
    };

    /// <summary>The model with weights that depend on the name alone and let no part vanish.</summary>
    private static ImageClassifier Made(string name)
    {
        var size = name.Contains("patch14", StringComparison.Ordinal) ? 28 : name.Contains("patch32", StringComparison.Ordinal) ? 64 : 32;
        var model = new ImageClassifier(ModelRegistry.Create(Shallow(name), seed: 1, inputSize: size), Classes);
        using var noGradient = no_grad();
        random.manual_seed(2);
        foreach (var (parameterName, parameter, _, _) in model.NamedParameters())
            if (parameter.dim() == 1)
                _ = parameterName.EndsWith("bias", StringComparison.Ordinal) ? parameter.normal_(0, 0.1) : parameter.uniform_(0.5, 1);
        return model;
    }

    /// <summary>A training pass of all images together, or of the first three one by one.</summary>
    private static (Tensor Logits, Tensor Input, Tensor Norms) Passes(ImageClassifier model, int rows)
    {
        if (rows > 1)
            return Pass(model, 0, rows);
        var passes = Enumerable.Range(0, 3).Select(image => Pass(model, image, 1)).ToList();
        return (cat([.. passes.Select(p => p.Logits)]), cat([.. passes.Select(p => p.Input)]), cat([.. passes.Select(p => p.Norms)]));
    }

    /// <summary>Forward and backward, but with the batch norms of evaluation, for one image has no deviation.</summary>
    private static (Tensor Logits, Tensor Input, Tensor Norms) Pass(ImageClassifier model, int first, int rows)
    {
        using var pass = NewDisposeScope();
        model.train();
        foreach (var norm in model.modules().OfType<BatchNormalization>())
            norm.eval();
        model.zero_grad();
        var parameters = model.NamedParameters().Select(p => p.Parameter).ToList();
        var type = parameters[0].dtype;
        var images = Input(model, Images).narrow(0, first, rows).to(type, copy: true).requires_grad_();
        var logits = model.Forward(images).Logits;
        var slope = randn([Images, Classes], generator: new Generator(4, CPU)).narrow(0, first, rows).to(type);
        logits.backward([slope]);
        var norms = stack([.. parameters.Where(p => p.grad is not null).Select(p => p.grad!.to(ScalarType.Float64).norm())]);
        return (logits.detach().MoveToOuterDisposeScope(), images.grad!.clone().MoveToOuterDisposeScope(), norms.MoveToOuterDisposeScope());
    }

    private static Tensor Input(ImageClassifier model, int rows)
    {
        var info = model.Backbone.Info;
        return randn([rows, info.Channels, info.InputSize, info.InputSize], generator: new Generator(3, CPU));
    }

    private static double Error(Tensor wanted, Tensor actual) =>
        ((wanted - actual.to(ScalarType.Float64)).abs().max() / wanted.abs().max()).ToDouble();

    /// <summary>
    /// The error of the middle image, by its norm. A ReLU whose input lies within rounding of 0 switches now and then, which changes the
    /// gradient of its image by up to a hundredth in float32; a layer that is wrong is wrong for all images. In bf16 many switch, so that
    /// little but the size can be held.
    /// </summary>
    private static double Middle(Tensor wanted, Tensor actual, Func<Tensor, Tensor> part)
    {
        var errors = new List<double>();
        for (var i = 0; i < wanted.shape[0]; i++)
            errors.Add(((part(wanted[i]) - part(actual[i].to(ScalarType.Float64))).norm() / wanted[i].norm()).ToDouble());
        return errors.Order().ElementAt(errors.Count / 2);
    }

    private static ParityCertificate Certificate(ImageClassifier model)
    {
        using var folder = new TemporaryFolder();
        var (path, options) = (Path.Combine(folder.Path, "model.onnx"), new OnnxOptions { Normalises = false });
        OnnxExport.Write(model, path, Exported.Metadata(model), options);
        var pixels = Exported.Pixels(model.Backbone.Info, ParityCertificate.LeastInputs);
        var trained = OnnxExport.Outputs(model, pixels, ParityCertificate.LeastInputs, CPU);
        return OnnxExport.Compare(path, trained, pixels, ParityCertificate.LeastInputs, "random numbers", options);
    }
}
