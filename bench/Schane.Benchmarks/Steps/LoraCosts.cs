using Schane.Models;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Benchmarks.Steps;

/// <summary>What do adapters of low rank save of a full fine-tuning step, in time and in memory?</summary>
/// <remarks>Steps of all kinds take turns in one process on one thread, each against the full step of its round, by the processor's time,
/// which other work on the machine moves least. Memory is that of processes of their own, in use, as <see cref="StepCosts"/> has it. A
/// third of the products of a step are gradients of weights: without them it takes two thirds at least.</remarks>
internal static class LoraCosts
{
    private static readonly Adapters?[] Kinds = [null, new(8, 8, "attn"), new(8, 8, Adapters.All), new(32, 32, Adapters.All)];

    public static int Run(string[] arguments)
    {
        var name = arguments is [var first, ..] && !first.StartsWith('-') ? first : "vit_tiny_patch16_224";
        var (batch, rounds) = (LossSpeed.Option(arguments, "--batch", 16), LossSpeed.Option(arguments, "--rounds", 5));
        var memory = Kinds.Select(kind => StepCosts.Elsewhere(inUse: true, ["step-memory", name, $"{batch}", "schane", "224", "2",
            $"{kind?.Rank ?? 0}", kind?.Layers ?? ""]).Peak).ToArray();
        NativeMemory.KeepFreedPages();
        set_num_threads(1);
        var steppers = Kinds.Select(kind => new Stepper(name, batch, loss: "schane", adapters: kind)).ToArray();
        var (seconds, ratios) = (Kinds.Select(_ => new List<double>()).ToArray(), Kinds.Select(_ => new List<double>()).ToArray());
        for (var round = 0; round <= rounds; round++)
        {
            var took = new double[Kinds.Length];
            // forwards and backwards in turn, so that none always follows the same
            foreach (var kind in Enumerable.Range(0, Kinds.Length).Select(i => round % 2 == 0 ? i : Kinds.Length - 1 - i))
            {
                var before = Environment.CpuUsage.TotalTime;
                steppers[kind].Step();
                took[kind] = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
            }
            for (var kind = 0; kind < Kinds.Length && round > 0; kind++)
            {
                seconds[kind].Add(took[kind]);
                ratios[kind].Add(took[kind] / took[0]);
            }
        }
        for (var kind = 0; kind < Kinds.Length; kind++)
            Console.WriteLine($"{name}, batch {batch}, {(Kinds[kind] is { } lora ? $"rank {lora.Rank}, {lora.Layers}" : "full")}: " +
                $"{steppers[kind].Trained} trained, {StepSpeed.Median(seconds[kind]):F3} s ({StepSpeed.Median(ratios[kind]):F2} of the " +
                $"full step, from {ratios[kind].Min():F2} to {ratios[kind].Max():F2}), {memory[kind] / 1e6:F0} MB " +
                $"({memory[kind] / memory[0]:F2})");
        return 0;
    }
}
