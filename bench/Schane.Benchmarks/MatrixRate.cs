using System.Runtime.InteropServices;
using Schane.Losses.Tiled;

namespace Schane.Benchmarks;

/// <summary>How many floating-point operations a second does the matrix kernel alone do, on all threads, on tiles that stay in cache?</summary>
internal static unsafe class MatrixRate
{
    private const int Rows = 192, Depth = 192;

    /// <summary>GFLOP/s of all threads together, by process CPU time.</summary>
    public static double Measure(int threads)
    {
        using var crew = new Crew(threads);
        const int repetitions = 4000;
        void Share(int thread)
        {
            var memory = (float*)NativeMemory.AlignedAlloc(3 * Rows * Depth * sizeof(float), 64);
            new Span<float>(memory, 3 * Rows * Depth).Fill(0.01f);
            for (var i = 0; i < repetitions; i++)
                MatrixKernel.Multiply(memory, Depth, 1, memory + Rows * Depth, Depth * MatrixKernel.PanelWidth, memory + 2 * Rows * Depth, Rows, Rows, Rows, Depth, add: false, TiledPairLoss.BestLanes);
            NativeMemory.AlignedFree(memory);
        }
        var time = Times.Interleaved(5, threads, (() => crew.Run(Share), 1))[0];
        return 2.0 * Rows * Rows * Depth * repetitions * threads / time.Cpu / 1e6;
    }
}
