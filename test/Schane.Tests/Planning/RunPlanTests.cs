using Schane.Models;
using Schane.Planning;
using Schane.Recipes;

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
    public void A_budget_that_holds_no_epoch_is_not_said_to_hold_the_steps_that_are_made_all_the_same() =>
        Assert.Equal(0, RunPlan.Fit(TimeSpan.FromSeconds(5), batchesPerEpoch: 1, [64], _ => 60).Epochs);

    [Fact]
    public void Where_the_smallest_input_is_too_slow_no_larger_one_is_measured()
    {
        var measured = new List<int>();
        RunPlan.Fit(TimeSpan.FromSeconds(5), batchesPerEpoch: 10, [64, 96, 128], size =>
        {
            measured.Add(size);
            return 60;
        });
        Assert.Equal([64], measured);
    }

    [Fact, Trait("Long", "1")]
    public void What_is_gone_of_the_budget_before_planning_is_not_planned_with()
    {
        var recipe = new Recipe { Budget = TimeSpan.FromMinutes(1), InputSize = 32, Precision = Precision.Float32, Threads = 1 };
        var data = DataSetup.Open(recipe, dataRoot: null);
        int? Steps(int gone) => TrainingPlan.Make(recipe, data, new() { Clock = () => TimeSpan.FromSeconds(gone) }, default).Recipe.Steps;
        Assert.InRange(Steps(gone: 0)!.Value, 3, int.MaxValue);
        Assert.Equal(2, Steps(gone: 60));                                 // the least
    }

    [Fact]
    public void What_measuring_takes_is_gone_from_the_budget()
    {
        var plan = RunPlan.Fit(TimeSpan.FromSeconds(1), batchesPerEpoch: 10, [64], _ =>
        {
            Thread.Sleep(500);
            return 0.01;
        });
        Assert.InRange(plan.Steps, 2, 40);                                // of 80
    }

    [Theory]
    [InlineData(128, 0.01, 128)]                                          // 0.16 s
    [InlineData(128, 0.1, 40)]                                            // 1.6 s
    [InlineData(128, 4, 8)]
    [InlineData(5, 4, 5)]
    [InlineData(127, 0.01, 127)]
    public void A_step_that_would_take_long_is_told_by_a_share_of_its_rows(int rows, double seconds, int timed) =>
        Assert.Equal(timed, RunPlan.SampledRows(rows, Math.Min(rows, 8), seconds));

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
