using Schane.Planning;

namespace Schane.Tests.Planning;

public class RunPlanTests
{
    [Fact]
    public void Takes_the_largest_input_at_which_thirty_epochs_fit()
    {
        var plan = RunPlan.Fit(TimeSpan.FromSeconds(100), batchesPerEpoch: 10, [64, 96, 128],
            size => size == 64 ? 0.1 : size == 96 ? 0.2 : 0.4);
        Assert.Equal((96, 400, 40.0), (plan.InputSize, plan.Steps, plan.Epochs));       // 80 s / 0.2 s; at 128 only 20 epochs would fit
    }

    [Fact]
    public void Stops_at_a_hundred_epochs_however_large_the_budget() =>
        Assert.Equal(1000, RunPlan.Fit(TimeSpan.FromHours(1), batchesPerEpoch: 10, [64], _ => 0.001).Steps);

    [Fact]
    public void A_budget_too_small_for_anything_still_makes_two_steps() =>
        Assert.Equal(2, RunPlan.Fit(TimeSpan.FromSeconds(5), batchesPerEpoch: 10, [64], _ => 60).Steps);

    [Fact]
    public void Passes_besides_the_steps_take_from_the_budget() =>
        Assert.Equal(70, RunPlan.Fit(TimeSpan.FromSeconds(100), batchesPerEpoch: 10, [64], _ => 1, besides: 10).Steps);

    [Theory]
    [InlineData(5, 96)]
    [InlineData(20, 160)]
    [InlineData(60, 224)]
    public void The_linear_probe_alone_sees_the_largest_images_that_the_budget_holds(int seconds, int side) =>
        Assert.Equal(side, ProbeChoice.LargestInput(TimeSpan.FromSeconds(seconds), [96, 128, 160, 224], new(96, 2, 0.1, 0.5), passes: 10));
}
