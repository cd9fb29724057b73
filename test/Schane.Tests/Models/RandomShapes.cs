using Schane.Models.Layers;
using Schane.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Models;

/// <summary>Schane's own convolutions and linear layers, forward and backward in training mode, against float64.</summary>
internal static class RandomShapes
{
    private const double MultiplyAdds = 1e7;                              // of one case at most
    private static readonly long[] Channels = [1, 2, 3, 4, 7, 8, 10, 12, 15, 16, 17, 24, 31, 32, 33, 40, 48,
        56, 64, 72, 80, 96, 100, 112, 128, 130, 192, 208, 256, 320];
    private static readonly long[] Wide = [384, 512, 768, 1024, 1536, 2048];
    private static readonly long[] Batches = [1, 1, 1, 2, 3, 4, 8, 9, 17];
    private static readonly string[] Layouts =
        ["channels-last", "channels-last", "contiguous", "part of more channels", "every other pixel"];

    /// <summary>One case.</summary>
    /// <param name="Batch">Images, or rows of a linear layer.</param>
    /// <param name="Inputs">Input channels.</param>
    /// <param name="Outputs">Output channels.</param>
    /// <param name="Kernel">Side of the kernel; 0 for a linear layer.</param>
    /// <param name="Height">Height of the image, or rows of an image.</param>
    /// <param name="Width">Width of the image.</param>
    private sealed record Case(long Batch, long Inputs, long Outputs, long Kernel, long Height, long Width)
    {
        public long Stride { get; init; } = 1;
        public long Padding { get; init; }
        public long Groups { get; init; } = 1;
        public bool HasBias { get; init; }
        public bool Half { get; init; }
        public string Layout { get; init; } = Layouts[0];

        public double Cost => Kernel == 0 ? (double)Batch * Height * Inputs * Outputs
            : (double)Batch * Side(Height) * Side(Width) * Inputs / Groups * Outputs * Kernel * Kernel;

        public long Side(long side) => (side + 2 * Padding - Kernel) / Stride + 1;
    }

    /// <summary>The smallest known cases of wrong values, division by zero, writing past the end, and narrow images.</summary>
    public static IEnumerable<string> KnownFaults()
    {
        random.manual_seed(1);
        Case[] cases =
        [
            new(8, 48, 80, 1, 8, 8), new(8, 64, 40, 1, 8, 8), new(2, 1024, 2048, 1, 3, 3), new(2, 256, 1024, 1, 3, 3),
            new(8, 24, 48, 1, 16, 16) { Stride = 2 }, new(1, 8, 16, 1, 16, 16) { Stride = 2 }, new(4, 4, 8, 1, 16, 16) { Stride = 2 },
            new(3, 16, 32, 3, 1, 1) { Stride = 2, Padding = 1 }, new(3, 16, 32, 3, 2, 2) { Stride = 3, Padding = 1 },
        ];
        return cases.SelectMany(c => (Case[])[c, c with { Half = true }]).SelectMany(Faults);
    }

    /// <summary>As many random cases.</summary>
    public static IEnumerable<string> Draw(long seed, int count)
    {
        random.manual_seed(seed);
        for (var i = 0; i < count; i++)
            foreach (var fault in Faults(Draw(new SampleRandom(seed, i))))
                yield return $"{i}: {fault}";
    }

    private static Case Draw(SampleRandom random)
    {
        T Of<T>(T[] values) => values[random.Below(values.Length)];
        while (true)
        {
            var kind = random.Below(20);                 // 0–2 linear, 3–9 1×1, 10–16 other kernels, 17–18 depthwise, 19 groups
            var wide = kind < 10 && random.Below(8) == 0;
            var (inputs, outputs) = (Of(wide ? Wide : Channels), Of(wide ? Wide : Channels));
            long groups = kind switch { 17 or 18 => inputs, 19 => 2 + random.Below(3), _ => 1 };
            if (groups > 1)
                (inputs, outputs) = kind == 19 ? (inputs * groups, outputs * groups) : (inputs, inputs);
            var kernel = kind < 3 ? 0 : kind < 10 ? 1 : Of((long[])[2, 3, 3, 3, 4, 5, 7]);
            var drawn = new Case(Of(Batches), inputs, outputs, kernel, 1 + random.Below(34), 1 + random.Below(34))
            {
                Stride = kernel == 0 ? 1 : 1 + random.Below(3),
                Padding = kernel < 2 ? 0 : random.Below((int)(kernel / 2) + 1),
                Groups = groups,
                HasBias = random.Below(2) == 0,
                Half = random.Below(2) == 0,
                Layout = Of(Layouts),
            };
            if (drawn.Cost <= MultiplyAdds && (kernel == 0 || Math.Min(drawn.Height, drawn.Width) + 2 * drawn.Padding >= kernel))
                return drawn;
        }
    }

    private static IEnumerable<string> Faults(Case c)
    {
        Console.WriteLine(c);                                             // the last line of a process that a fault ends
        Console.Out.Flush();
        using var scope = NewDisposeScope();
        using Layer layer = c.Kernel == 0
            ? new Dense(c.Inputs, c.Outputs, c.HasBias)
            : new Convolution(c.Inputs, c.Outputs, c.Kernel, c.Stride, c.Padding, c.Groups, c.HasBias);
        layer.Products = c.Half ? ScalarType.BFloat16 : null;
        layer.train();
        using (no_grad())
            foreach (var parameter in layer.parameters())
                parameter.normal_(0, parameter.dim() == 1 ? 1 : 1 / Math.Sqrt(parameter.numel() / parameter.shape[0]));
        var input = Input(c).requires_grad_();
        var output = layer.call(input);
        var slope = randn(output.shape).to_type(output.dtype);
        output.backward([slope]);

        var type = c.Half ? ScalarType.BFloat16 : ScalarType.Float32;
        Tensor[] given = [input, .. layer.parameters()];
        Tensor[] exact = [.. given.Select(t => t.detach().to_type(type).to_type(ScalarType.Float64).contiguous().requires_grad_())];
        var bias = c.HasBias ? exact.Single(t => t.dim() == 1) : null;
        var weight = exact.Skip(1).Single(t => t.dim() > 1);
        var expected = c.Kernel == 0 ? nn.functional.linear(exact[0], weight, bias)
            : nn.functional.conv2d(exact[0], weight, bias, [c.Stride, c.Stride], [c.Padding, c.Padding], groups: c.Groups);
        expected.backward([slope.to_type(ScalarType.Float64)]);

        var tolerance = c.Half ? 1e-2 : 2e-5;
        var faults = new List<string>();
        void Compare(string what, Tensor wanted, Tensor actual)
        {
            var largest = wanted.abs().max().ToDouble();
            var error = (wanted - actual.detach().to_type(ScalarType.Float64)).abs().max().ToDouble() / largest;
            if (!(error <= tolerance) && largest > 0)
                faults.Add($"{what} is off by {error:0.0e0} of its largest value in {c}");
        }
        Compare("output", expected, output);
        foreach (var (one, two) in exact.Zip(given))
            Compare(one.dim() == 1 ? "bias gradient"
                : ReferenceEquals(one, weight) ? "weight gradient" : "input gradient", one.grad!, two.grad!);
        return faults;
    }

    private static Tensor Input(Case c)
    {
        if (c.Kernel == 0)
            return c.Layout == Layouts[2] ? randn(c.Inputs, c.Batch, c.Height).permute(1, 2, 0) : randn(c.Batch, c.Height, c.Inputs);
        return c.Layout switch
        {
            "contiguous" => randn(c.Batch, c.Inputs, c.Height, c.Width),
            "part of more channels" => randn(c.Batch, c.Height, c.Width, c.Inputs + 5).permute(0, 3, 1, 2).narrow(1, 3, c.Inputs),
            "every other pixel" => randn(c.Batch, 2 * c.Height, 2 * c.Width, c.Inputs).permute(0, 3, 1, 2)
                .slice(2, 0, 2 * c.Height, 2).slice(3, 0, 2 * c.Width, 2),
            _ => ChannelsLast.Of(randn(c.Batch, c.Inputs, c.Height, c.Width)),
        };
    }
}
