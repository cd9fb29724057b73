using System.Globalization;
using TorchSharp;

namespace Schane.Tensors;

/// <summary>How many threads a process computes with, and why: the one rule.</summary>
/// <param name="Count">At least 1.</param>
/// <param name="Why">A few words, for instance <c>2 processors</c>.</param>
internal readonly record struct ComputeThreads(int Count, string Why)
{
    private const string Status = "/proc/self/status", List = "Cpus_allowed_list:";

    /// <summary>
    /// The processors that the system lets this process run on, as it lists them, for instance <c>0-3</c>; null where it doesn't tell.
    /// </summary>
    public static string? Affinity =>
        File.Exists(Status)
            ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(List, StringComparison.Ordinal))?[List.Length..].Trim() : null;

    /// <summary>Processors that this process may use, those that a control group allows counted as whole ones.</summary>
    public static int Processors { get; } = Allowed(Environment.ProcessorCount, new ControlGroup().Processors());

    /// <summary>
    /// What was asked for; else the user's <c>OMP_NUM_THREADS</c>; else the processors that this process may use (its affinity and the
    /// quota of its control group, rounded up),
    /// divided by those that use the same.
    /// </summary>
    /// <param name="wanted">What a recipe or flag says.</param>
    /// <param name="sharers">Processes or runs on the same processors, this one counted.</param>
    public static ComputeThreads For(int? wanted = null, int sharers = 1) =>
        For(wanted, sharers, Environment.ProcessorCount, new ControlGroup().Processors(),
            Environment.GetEnvironmentVariable(OpenMp.Threads));

    internal static ComputeThreads For(int? wanted, int sharers, int processors, double? quota, string? variable)
    {
        if (wanted is { } told)
            return new(told, "as told");
        if (int.TryParse(variable?.Split(',')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var users) && users > 0)
            return new(users, $"{OpenMp.Threads}={variable}");
        var allowed = Allowed(processors, quota);
        var limit = quota < processors ? string.Create(CultureInfo.InvariantCulture, $" limited to the time of {quota:0.##}") : "";
        var why = $"{processors} {(processors == 1 ? "processor" : "processors")}{limit}";
        return new(Math.Max(1, allowed / sharers), sharers > 1 ? $"{why}, shared by {sharers}" : why);
    }

    /// <summary>What a function finds while libtorch computes with a number of threads, which is then what it was.</summary>
    public static T During<T>(int threads, Func<T> function)
    {
        var before = torch.get_num_threads();
        torch.set_num_threads(threads);
        try
        {
            return function();
        }
        finally
        {
            torch.set_num_threads(before);
        }
    }

    private static int Allowed(int processors, double? quota) => (int)Math.Clamp(Math.Ceiling(quota ?? processors), 1, processors);
}
