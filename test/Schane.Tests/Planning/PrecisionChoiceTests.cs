using Schane.Models;
using Schane.Planning;
using Schane.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Schane.Tests.Planning;

public class PrecisionChoiceTests
{
    private static readonly string[] WithBf16 = ["avx512f", "avx512_bf16"];

    [Fact]
    public void A_processor_without_bf16_gets_float32_and_nothing_is_built_to_measure() =>
        Assert.Equal(Precision.Float32, PrecisionChoice.Decide(() => throw new InvalidOperationException(), 8, 1e12, TimeSpan.MaxValue, CPU,
            ["avx2", "avx512f"]).Precision);

    [Fact]
    public void A_short_run_gets_float32()
    {
        var (precision, why) = PrecisionChoice.Decide(Tiny, rows: 8, images: 80, TimeSpan.MaxValue, CPU, WithBf16);
        Assert.Equal((Precision.Float32, "the run is too short for a measurement to pay"), (precision, why));
    }

    [Fact]
    public void A_long_run_gets_what_a_measurement_says() =>
        Assert.Matches("^a pass (takes [0-9.]+ ?% of float32's time|in bf16 takes [0-9.]+ times as long) here",
            PrecisionChoice.Decide(Tiny, rows: 8, images: 1e12, TimeSpan.MaxValue, CPU, WithBf16).Why);

    [Fact]
    public void Fp16_is_refused_on_a_CPU() =>
        Assert.Equal("Precision fp16 is for GPUs but the device is the CPU; use --precision bf16, float32 or auto.",
            Assert.Throws<SchaneException>(() => PrecisionChoice.Check(Precision.Fp16, CPU)).Message);

    private static ImageClassifier Tiny() => new(ModelRegistry.Create("convnet4", seed: 1, inputSize: 16), 3);
}

public class LossScalingTests
{
    [Fact]
    public void Gradients_are_divided_by_the_scale_and_an_overflow_halves_it_and_leaves_the_step_out() => With((parameters, scaling) =>
    {
        parameters.Gradients.fill_(65536);
        Assert.Equal(4, scaling.Unscale(4 * 65536));
        Assert.Equal((65536, 0), (scaling.Scale, scaling.Overflows));
        Assert.Equal(1, parameters.Gradients[0].ToDouble());
        Assert.Equal(double.PositiveInfinity, scaling.Unscale(double.NaN));
        Assert.Equal((32768, 1), (scaling.Scale, scaling.Overflows));
    });

    [Fact]
    public void Two_thousand_good_steps_double_the_scale() => With((_, scaling) =>
    {
        for (var i = 0; i < 1999; i++)
            scaling.Unscale(1);
        Assert.Equal(65536, scaling.Scale);
        scaling.Unscale(1);
        Assert.Equal(131072, scaling.Scale);
    });

    [Fact]
    public void At_scale_one_what_is_not_finite_is_the_trainers_to_report() => With((_, scaling) =>
    {
        for (var i = 0; i < 16; i++)
            Assert.Equal(double.PositiveInfinity, scaling.Unscale(double.NaN));
        Assert.Equal(double.NaN, scaling.Unscale(double.PositiveInfinity));
    });

    private static void With(Action<FlatParameters, LossScaling> test)
    {
        using var scope = NewDisposeScope();
        using var parameters = new FlatParameters([(new TorchSharp.Modules.Parameter(ones(3)), new ParameterTreatment(1, 0))]);
        using var scaling = new LossScaling(new Sgd(parameters, momentum: 0.9), parameters);
        test(parameters, scaling);
    }
}
