using Schane.Distributed;
using Schane.Training;

namespace Schane.Tests.Training;

public class SaveTimesTests
{
    [Fact]
    public void The_first_checkpoint_comes_within_half_a_minute_and_then_one_a_tenth_of_the_run()
    {
        var saving = new SaveTimes(null, 1000, new SingleProcess());
        var saved = new List<int>();
        for (var step = 1; step < 1000; step++)
        {
            var now = TimeSpan.FromSeconds(step);                         // a second each
            if (!saving.IsDue(new RunState { Step = step }, now))
                continue;
            saving.Saved(now, now);
            saved.Add(step);
        }
        Assert.Equal([25, 100, 200, 300, 400, 500, 600, 700, 800, 900], saved);
    }

    [Fact]
    public void Checkpoints_that_take_long_are_written_seldom()
    {
        var saving = new SaveTimes(null, 100, new SingleProcess());
        saving.Saved(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(12));
        Assert.False(saving.IsDue(new RunState { Step = 20 }, TimeSpan.FromSeconds(51)));
        Assert.True(saving.IsDue(new RunState { Step = 30 }, TimeSpan.FromSeconds(52)));      // 2 s are a twentieth of 40
    }

    [Fact]
    public void A_recipe_that_says_when_is_followed_to_the_step()
    {
        var saving = new SaveTimes(7, 100, new SingleProcess());
        Assert.Equal([7, 14, 21], Enumerable.Range(1, 25).Where(step => saving.IsDue(new RunState { Step = step }, TimeSpan.FromHours(1))));
    }
}
