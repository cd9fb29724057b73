using System.Diagnostics;
using Schane.Models;
using Schane.Planning;
using Schane.Tensors;
using static TorchSharp.torch;

namespace Schane.Benchmarks.Steps;

/// <summary>What does bf16 gain in a pass of a model, by the measurement that <c>precision: auto</c> decides by?</summary>
internal static class PrecisionGain
{
    public static int Run(string[] arguments)
    {
        NativeMemory.KeepFreedPages();
        foreach (var (name, rows, side) in (ReadOnlySpan<(string, int, int?)>)[("convnet4", 128, 28 / 16 * 16 + 16),
            ("schane_tiny", 64, 64), ("resnet18", 32, 112), ("convnext_tiny", 16, 112), ("swin_tiny_patch4_window7_224", 8, null),
            ("vit_tiny_patch16_224", 32, null), ("vit_tiny_patch16_224", 64, 112), ("vit_base_patch16_224", 16, null)])
        {
            if (arguments is [var only, ..] && only != name)
                continue;
            using var model = new ImageClassifier(ModelRegistry.Create(name, seed: 1, inputSize: side), 100);
            var watch = Stopwatch.StartNew();
            Console.WriteLine($"{name,-30} {side ?? model.Backbone.Info.InputSize,4} px, {rows,3} images: " +
                $"{PrecisionChoice.Gain(model, rows, CPU):F2} x, measured in {watch.Elapsed.TotalSeconds:F1} s");
        }
        return 0;
    }
}
