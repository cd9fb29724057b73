using System.Runtime.InteropServices;
using Schane.Losses.Tiled;
using Schane.Products;

namespace Schane.Benchmarks;

/// <summary>How many floating-point operations a second does a matrix kernel alone do, on all threads, on tiles that stay in cache? Run in
/// turn with what it is the floor of, for a shared machine's rate changes from minute to minute.</summary>
internal sealed unsafe class MatrixRate(int threads, bool bf16) : IDisposable
{
    private const int Rows = 192, Depth = 192, Repetitions = 200;
    private readonly Crew crew = new(threads);
    private readonly Bf16Kernel kernel = Bf16Kernel.For(MatrixKernel.BestLanes, Brgemm.Available);
    private readonly float*[] memory = Tiles(threads);

    /// <summary>Floating-point operations of one <see cref="Run"/>, all threads together.</summary>
    public double Operations => 2.0 * Rows * Rows * Depth * Repetitions * threads;

    /// <summary>Products on every thread.</summary>
    public void Run() => crew.Run(Share, threads);

    public void Dispose()
    {
        crew.Dispose();
        foreach (var tiles in memory)
            NativeMemory.AlignedFree(tiles);
    }

    private void Share(int thread)
    {
        var a = memory[thread];
        var b = a + Rows * Depth;
        var c = b + Rows * Depth;
        for (var i = 0; i < Repetitions; i++)
        {
            if (bf16)
                kernel.Multiply(Rows, Rows, Depth, (ushort*)a, Depth, (uint*)b, Rows, c, Rows, 0);
            else
                MatrixKernel.Multiply(a, Depth, 1, b, Depth * MatrixKernel.PanelWidth, c, Rows, Rows, Rows, Depth,
                    add: false, MatrixKernel.BestLanes);
        }
        kernel.Leave();
    }

    private static float*[] Tiles(int threads)
    {
        var all = new float*[threads];
        for (var thread = 0; thread < threads; thread++)
        {
            all[thread] = (float*)NativeMemory.AlignedAlloc(3 * Rows * Depth * sizeof(float), 64);
            new Span<float>(all[thread], 3 * Rows * Depth).Fill(0.01f);
        }
        return all;
    }
}
