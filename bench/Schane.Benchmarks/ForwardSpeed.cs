using Schane.Models;
using static TorchSharp.torch;

namespace Schane.Benchmarks;

/// <summary>How much longer than its bare matrix products does a forward pass of vit_base take? Interleaved,
/// on the same libtorch.</summary>
internal static class ForwardSpeed
{
    private const int Tokens = 197, Width = 768, Depth = 12, Heads = 12;

    public static int Run(string[] arguments)
    {
        var (batch, rounds) = (LossSpeed.Option(arguments, "--batch", 16), LossSpeed.Option(arguments, "--rounds", 3));
        var threads = LossSpeed.Option(arguments, "--threads", Environment.ProcessorCount);
        set_num_threads(threads);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        using var model = ModelRegistry.Create("vit_base_patch16_224", seed: 0);
        model.eval();
        var images = rand(batch, 3, 224, 224);
        var products = Products(batch);
        var times = Times.Interleaved(rounds, threads, (() => model.call(images).Dispose(), 1), (() => Multiply(products), 1));
        var (forward, bare) = (times[0], times[1]);
        var operations = 2.0 * ModelRegistry.CostOf("vit_base_patch16_224").MultiplyAdds * batch;
        Console.WriteLine(
            $"vit_base_patch16_224, batch {batch}, {threads} threads: forward {forward.Wall:F0} ms, bare products {bare.Wall:F0} ms " +
            $"({operations / bare.Wall / 1e6:F0} GFLOP/s), ratio {forward.Wall / bare.Wall:F3} (CPU {forward.Cpu / bare.Cpu:F3})");
        return 0;
    }

    /// <summary>Operands of every matrix product of one pass.</summary>
    private static List<(Tensor Left, Tensor Right, int Times)> Products(int batch)
    {
        long rows = batch * Tokens, heads = batch * Heads, size = Width / Heads;
        (Tensor, Tensor, int) Product(long[] left, long[] right, int times)
        {
            Tensor a = rand(left), b = rand(right).transpose(-1, -2);     // weights are stored [outputs, inputs]
            return (a, b, times);
        }
        return
        [
            Product([batch * 196, Width], [Width, Width], 1),             // patches
            Product([rows, Width], [3 * Width, Width], Depth),            // qkv
            Product([heads, Tokens, size], [heads, Tokens, size], Depth), // q kᵀ
            Product([heads, Tokens, Tokens], [heads, size, Tokens], Depth),
            Product([rows, Width], [Width, Width], Depth),                // proj
            Product([rows, Width], [4 * Width, Width], Depth),            // fc1
            Product([rows, 4 * Width], [Width, 4 * Width], Depth),        // fc2
        ];
    }

    private static void Multiply(List<(Tensor Left, Tensor Right, int Times)> products)
    {
        foreach (var (left, right, times) in products)
            for (var i = 0; i < times; i++)
                left.matmul(right).Dispose();
    }
}
