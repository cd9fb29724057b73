using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Schane.Models;
using Schane.Tensors;

namespace Schane.Benchmarks.Steps;

/// <summary>Where does the time of a training step go? Linux's sampling profiler (<c>perf</c>) looks at this process while it takes whole
/// steps, loss and optimiser included, and each sample is counted under the operation whose function it fell into.</summary>
internal static class StepProfile
{
    private const string Rest = "anything else", Names = "DOTNET_PerfMapEnabled";

    /// <summary>Operations by the names of functions and libraries, the first that fits.</summary>
    private static readonly (string Operation, Regex Names)[] operations =
    [
        ("copies and casts", new("direct_copy|copy_kernel|reorder|transpose|memcpy|memmove|_cat_|to_dtype|CopyKernel")),
        ("products: MKL's, linear layers and attention",
            new("mkl_(blas|sparse)|gemm_host|sgemm|sgemv|mkl_lapack|flash_attention|gemm_batch")),
        ("products: Schane's own", new(@"Schane!?.*(Products|Tiled)|MatrixKernel|PackedProduct|LinearProduct")),
        ("convolutions and products of oneDNN", new(@"dnnl::|^\[JIT\].*0x[0-9a-f]+$")),
        ("norms", new("batch_norm|layer_norm|LayerNorm|group_norm|RowwiseMoments|native_norm|welford", RegexOptions.IgnoreCase)),
        ("activations", new("threshold|[Gg]elu|[Rr]elu|silu|sigmoid|tanh|erf|mkl_vml_kernel_sCdf|vsErf", RegexOptions.None)),
        ("softmax and loss", new("softmax|SoftMax|nll_loss|logsumexp|mkl_vml_kernel_sExp|vec_log", RegexOptions.None)),
        ("optimiser", new("addcdiv|addcmul|lerp|mkl_vml_kernel_sSqrt|vssqrt|sqrt|foreach|div_true", RegexOptions.None)),
        ("additions and multiplications, an element at a time",
            new("(add|mul|sub|div|neg|pow|where|masked_fill|clamp|fill|maximum|minimum|eq|gt|lt|bernoulli)"
                + "(_|_clamp_|_true_|_tensor_)?kernel")),
        ("sums and means", new("sum_kernel|cascade_sum|mean_kernel|reduce|norm_kernel|sum_", RegexOptions.None)),
        ("pooling", new("pool")),
        ("memory: pages and allocation", new(
            @"^\[kernel|malloc|_int_free|\bfree\b|mmap|munmap|madvise|memset|clear_page|page_fault|posix_memalign|cfree")),
        ("threads that wait", new("libgomp|do_spin|futex|sched_yield")),
        (".NET: collecting garbage, compiling", new("libclrgc|libcoreclr|libclrjit|System.Private")),
        ("C# between the operations", new(@"^\[JIT\]|^perf-\d+")),
    ];

    public static int Run(string[] arguments)
    {
        if (Environment.GetEnvironmentVariable(Names) is null)
        {
            // Else C# could not be told from the code that oneDNN makes, which has no names; .NET reads it at its start.
            var again = new ProcessStartInfo(Environment.ProcessPath!, ["profile", .. arguments]);
            again.Environment[Names] = "1";
            using var named = Process.Start(again)!;
            named.WaitForExit();
            return named.ExitCode;
        }
        var (name, batch) = (arguments[0], LossSpeed.Option(arguments, "--batch", 32));
        var length = TimeSpan.FromSeconds(LossSpeed.Option(arguments, "--seconds", 20));
        NativeMemory.KeepFreedPages();
        using var stepper = new Stepper(name, batch, arguments.Contains("--bf16") ? Precision.Bf16 : Precision.Float32,
            side: LossSpeed.Option(arguments, "--side", 0) is > 0 and var side ? side : null);
        for (var warm = Stopwatch.StartNew(); warm.Elapsed < length / 4;)
            stepper.Step();
        var file = Path.GetTempFileName();
        using var perf = Start("record", "--quiet", "--freq", "499", "--output", file, "--pid", $"{Environment.ProcessId}");
        if (perf is null)
            return Fail("There is no perf; install it (Debian: linux-perf) and let it look (sysctl kernel.perf_event_paranoid=1).");
        var (watch, steps) = (Stopwatch.StartNew(), 0);
        for (; watch.Elapsed < length; steps++)
            stepper.Step();
        watch.Stop();
        using (Process.Start("kill", ["-INT", $"{perf.Id}"]))
            perf.WaitForExit();
        using var report = Start("report", "--stdio", "--no-children", "--fields", "overhead,dso,symbol", "--field-separator", "|",
            "--input", file)!;
        var shares = Shares(report.StandardOutput.ReadToEnd().Split('\n'));
        report.WaitForExit();
        File.Delete(file);
        if (shares.Count == 0)
            return Fail("perf saw nothing; let it look (sysctl kernel.perf_event_paranoid=1).");
        Console.WriteLine($"{name}, {batch} images: {steps * batch / watch.Elapsed.TotalSeconds:F1} images/s; % of the processor's time");
        foreach (var (operation, share) in shares.OrderByDescending(one => one.Value))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{share,6:F1}  {operation}"));
        return 0;
    }

    /// <summary>Percent by operation, from lines of <c>overhead|library|function</c>.</summary>
    private static Dictionary<string, double> Shares(IEnumerable<string> lines)
    {
        Dictionary<string, double> shares = [];
        foreach (var line in lines)
            if (line.Split('|', 3) is [var percent, var library, var function]
                && double.TryParse(percent.Trim().TrimEnd('%'), CultureInfo.InvariantCulture, out var share))
            {
                var place = $"{library.Trim()} {function.Trim()}";
                var operation = operations.FirstOrDefault(one => one.Names.IsMatch(place)).Operation ?? Rest;
                shares[operation] = shares.GetValueOrDefault(operation) + share;
            }
        return shares;
    }

    private static Process? Start(params string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("perf", arguments) { RedirectStandardOutput = true, RedirectStandardError = true });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static int Fail(string why)
    {
        Console.Error.WriteLine(why);
        return 1;
    }
}
