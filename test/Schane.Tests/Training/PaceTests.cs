using Schane.Training;

namespace Schane.Tests.Training;

/// <summary>A run of 100 s for which 80 steps were planned, on machines of different rates.</summary>
public class PaceTests
{
    private static readonly WorkAfter Nothing = new(0, 0, 64, null);

    private double now;

    [Fact]
    public void On_a_machine_that_keeps_its_rate_the_budget_is_filled()
    {
        var (steps, moves) = Run(_ => 1.0);
        Assert.InRange(now, 96, 100);
        Assert.InRange(steps, 96, 98);                                    // the page takes 1.5 s
        Assert.All(moves.Skip(5), move => Assert.InRange(move, 0.78, 0.86));
    }

    [Fact]
    public void A_machine_that_gets_busy_makes_fewer_steps_that_move_the_schedules_further()
    {
        var (steps, moves) = Run(step => step < 30 ? 1 : 4);
        Assert.InRange(now, 92, 102);
        Assert.InRange(steps, 44, 49);                                    // 30 + 68.5 / 4
        Assert.True(moves[40] > 2.5 * moves[20]);
    }

    [Fact]
    public void A_machine_that_gets_free_makes_more_of_them()
    {
        var (steps, _) = Run(step => step < 10 ? 2 : 0.5);
        Assert.InRange(now, 97, 101);
        Assert.InRange(steps, 160, 168);                                  // 10 + 78.5 / 0.5
    }

    [Fact]
    public void A_process_that_was_halted_for_a_minute_ends_in_time()
    {
        var (steps, moves) = Run(step => step == 20 ? 61 : 1);
        Assert.InRange(now, 96, 101);
        Assert.InRange(steps, 35, 40);
        Assert.All(moves.Skip(25), move => Assert.True(move > 3));        // 60 planned steps in the 17 s that are left
    }

    [Fact]
    public void What_went_before_the_first_step_is_counted()
    {
        now = 60;
        var (steps, _) = Run(_ => 1.0);
        Assert.InRange(now, 96, 100);
        Assert.InRange(steps, 36, 38);
    }

    [Fact]
    public void A_budget_that_is_used_up_before_the_first_step_leaves_the_few_that_a_rate_takes()
    {
        now = 200;
        var (steps, _) = Run(_ => 1.0);
        Assert.Equal(4, steps);
    }

    [Fact]
    public void What_comes_after_the_last_step_is_left_time_for()
    {
        // 640 images at a third of 1/64 s each, as no evaluation tells better: 3.3 s
        Run(_ => 1.0, new WorkAfter(640, 0, 64, null));
        Assert.InRange(now, 93, 96);
        now = 0;
        Run(_ => 1.0, new WorkAfter(640, 0, 64, PerImage: 0.05));         // 32 s by a pass that was timed before
        Assert.InRange(now, 64, 68);
    }

    [Fact]
    public void Thumbnails_are_left_time_for_but_no_more_than_a_twentieth_of_it()
    {
        Assert.Equal((0.4, 5), (WorkAfter.OfThumbnails(100, TimeSpan.FromSeconds(100)),
            WorkAfter.OfThumbnails(4000, TimeSpan.FromSeconds(100))));
        Run(_ => 1.0, Nothing with { Pictures = 5 });
        Assert.InRange(now, 92, 94);
    }

    [Fact]
    public void A_run_ends_after_the_most_steps_that_it_may_make()
    {
        var (steps, _) = Run(_ => 0.1, most: 80);
        Assert.InRange(steps, 79, 81);
        Assert.InRange(now, 7, 9);
    }

    [Fact]
    public void Evaluations_that_take_long_are_made_seldom()
    {
        var pace = new Pace(TimeSpan.FromSeconds(100), 80, long.MaxValue, Nothing, () => TimeSpan.FromSeconds(now));
        var state = new RunState { Moved = 0 };
        now = 10;
        Assert.True(pace.HasTimeToEvaluate(state));                       // nothing is known of their cost
        var began = pace.Used;
        now = 12;
        pace.Evaluated(began, pass: 1, left: 9);
        now = 51;
        Assert.False(pace.HasTimeToEvaluate(state));
        now = 53;                                                         // 2 s are a twentieth of 41
        Assert.True(pace.HasTimeToEvaluate(state));
    }

    private (int Steps, List<double> Moves) Run(Func<int, double> seconds, WorkAfter? after = null, long most = long.MaxValue)
    {
        var pace = new Pace(TimeSpan.FromSeconds(100), 80, most, after ?? Nothing, () => TimeSpan.FromSeconds(now));
        var moves = new List<double>();
        var state = new RunState { Moved = 0 };
        while (state.At < 80)
        {
            var moved = pace.After(state);
            now += seconds(moves.Count);
            moves.Add(moved - state.At);
            state = state.After(moved);
        }
        Assert.Equal(80, state.At);                                       // so that rates end at their end
        return (moves.Count, moves);
    }
}
