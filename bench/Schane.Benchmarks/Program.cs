using Schane.Benchmarks;
using Schane.Benchmarks.Folds;
using Schane.Benchmarks.Gpu;
using Schane.Benchmarks.Labels;
using Schane.Benchmarks.Peers;
using Schane.Benchmarks.Reading;
using Schane.Benchmarks.Steps;

System.Runtime.CompilerServices.RuntimeHelpers.RunModuleConstructor(typeof(Schane.SchaneException).Module.ModuleHandle);
return args switch
{
    ["loss", .. var rest] => LossSpeed.Run(rest),
    ["loss-memory", .. var rest] => LossMemory.Run(rest),
    ["loss-error", .. var rest] => LossError.Run(rest),
    ["linear", .. var rest] => LinearSpeed.Run(rest),
    ["forward", .. var rest] => ForwardSpeed.Run(rest),
    ["load", ..] => LoadSpeed.Run(),
    ["data", ..] => DataSpeed.Run(),
    ["export", .. var rest] => ExportSpeed.Run(rest),
    ["int8", .. var rest] => Int8Gain.Run(rest),
    ["export-one", var what, var run, var onnx, var weights] => ExportSpeed.Once(what, run, onnx, long.Parse(weights)),
    ["predict", .. var rest] => PredictSpeed.Run(rest),
    ["first", .. var rest] => PredictSpeed.First(rest),
    ["serve", .. var rest] => ServeSpeed.Run(rest),
    ["overhead", .. var rest] => StepCosts.Overhead(rest),
    ["gradcache", .. var rest] => StepCosts.GradCache(rest),
    ["step-memory", .. var rest] => StepCosts.Measure(rest),
    ["lora", .. var rest] => LoraCosts.Run(rest),
    ["precision", .. var rest] => PrecisionGain.Run(rest),
    ["report", .. var rest] => ReportSpeed.Run(rest),
    ["fewshot", .. var rest] => FewShotSpeed.Run(rest),
    ["labels", .. var rest] => LabelErrorsFound.Run(rest),
    ["drift", .. var rest] => DriftFound.Run(rest),
    ["suggest", .. var rest] => LabelsSaved.Run(rest),
    ["self-training", .. var rest] => SelfTrainingGain.Run(rest),
    ["probe", .. var rest] => ScikitProbe.Run(rest),
    ["folds", .. var rest] => FewLabels.Run(rest),
    ["copies", .. var rest] => CopiesFound.Run(rest),
    ["listing", .. var rest] => ListingSpeed.Run(rest),
    ["compare", .. var rest] => CompareOverhead.Run(rest),
    ["profile", _, ..] => StepProfile.Run(args[1..]),
    ["step-alone", .. var rest] => StepAlone.Run(rest),
    ["step", .. var rest] => StepSpeed.Run(rest),
    ["wait", .. var rest] => WaitSpeed.Run(rest),
    ["wait-once", var model, var side, var batch, var steps] => WaitSpeed.Serve(model, int.Parse(side), int.Parse(batch), int.Parse(steps)),
    ["wait-neighbour"] => WaitSpeed.Neighbour(),
    ["wait-trainer", var model, var side, var batch] => WaitSpeed.Train(model, int.Parse(side), int.Parse(batch)),
    ["ranks", .. var rest] => RankSpeed.Run(rest),
    ["ranks-once", var threads, var batch, var steps] => RankSpeed.Once(int.Parse(threads), int.Parse(batch), int.Parse(steps)),
    ["step-plain", var width, var depth, var heads, var side, var batch, var device] => PlainTransformer.Serve(
        int.Parse(width), int.Parse(depth), int.Parse(heads), int.Parse(side), int.Parse(batch), device),
    ["gpu", .. var rest] => GpuCheck.Run(rest),
    ["gpu-run", var device, var folder, var stop] => GpuCheck.Train(device, folder, int.Parse(stop)),
    _ => Wrong(),
};

static int Wrong()
{
    Console.Error.WriteLine("Usage: loss [--rounds N] [--only 'schane ROWS DIM CLASSES;...'] [--ladder DIM] | loss-memory --rows N --dim " +
        "D | loss-error [--rows N] [--dim D] | data | linear [--threads N] [--rounds N] [--only 'ROWS INPUTS OUTPUTS;...'] | " +
        "forward [--batch N] [--rounds N] [--threads N] | load | step MODEL [--batch N] [--rounds N] | " +
        "step-alone MODEL [--batch N] [--side N] [--steps N] [--bf16] [--library] | " +
        "gpu [--device cuda|cpu] [--minutes N] | profile MODEL [--batch N] [--side N] [--seconds N] [--bf16] | precision [MODEL] | " +
        "ranks [--batch N] [--rounds N] [--steps N] [--mpich] | wait [MODEL] [--side N] [--batch N] " +
        "[--steps N] [--rounds N] [--spins N,N] [--neighbours N,N] [--training] | overhead [--batch N] | gradcache [--batch N] | " +
        "lora [MODEL] [--batch N] [--rounds N] | export [MODEL...] | int8 RUN... | " +
        "predict [MODEL...] | first [MODEL...] | serve [MODEL...] | report [--width D] | fewshot [--episodes N] [--peer-episodes N] " +
        "[--threads N] | compare [--steps N] | labels [--epochs N] [--seeds N] [--first N] [--loss NAME] " +
        "[--data NAME [--input-size N] [--alike]] | drift [NAME...] | suggest RUN... [--methods NAME,...] [--seeds N] " +
        "[--to N] [--step N] | self-training RUN... [--labels N,...] [--precisions P,...] [--seeds N] | " +
        "probe EMBEDDINGS.npy RUN... | folds intervals|share|temperature | copies [FOLDER...] | listing [COUNT...]");
    return 2;
}
