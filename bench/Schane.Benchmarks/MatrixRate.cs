using System.Runtime.InteropServices;
using Schane.Losses.Tiled;

namespace Schane.Benchmarks;

/// <summary>How many floating-point operations a second do the matrix kernels alone do, on all threads, on tiles that stay in cache?</summary>
internal static unsafe class MatrixRate
{
    private const int Rows = 192, Depth = 192;

    /// <summary>GFLOP/s of all threads together, by process CPU time.</summary>
    public static double Measure(int threads, bool bf16)
    {
        using var crew = new Crew(threads);
        const int repetitions = 4000;
        var kernel = Bf16Kernel.For(TiledPairLoss.BestLanes, Brgemm.Available);
        void Share(int thread)
        {
            var memory = (float*)NativeMemory.AlignedAlloc(3 * Rows * Depth * sizeof(float), 64);
            new Span<float>(memory, 3 * Rows * Depth).Fill(0.01f);
            var b = memory + Rows * Depth;
            var c = b + Rows * Depth;
            for (var i = 0; i < repetitions; i++)
            {
                if (bf16)
                    kernel.Multiply(Rows, Rows, Depth, (ushort*)memory, Depth, (uint*)b, Rows, c, Rows, 0);
                else
                    MatrixKernel.Multiply(memory, Depth, 1, b, Depth * MatrixKernel.PanelWidth, c, Rows, Rows, Rows, Depth, add: false, TiledPairLoss.BestLanes);
            }
            kernel.Leave();
            NativeMemory.AlignedFree(memory);
        }
        var time = Times.Interleaved(5, threads, (() => crew.Run(Share), 1))[0];
        return 2.0 * Rows * Rows * Depth * repetitions * threads / time.Cpu / 1e6;
    }
}
