using Schane.Jobs.Folds;

namespace Schane.Tests.Jobs.Folds;

/// <summary>A budget of 60 s for five folds and the run.</summary>
[Trait("Long", "1")]
public class FoldTimesTests
{
    private readonly FoldTimes times = new(TimeSpan.FromSeconds(60), 5);

    [Fact]
    public void What_is_left_is_shared_out_evenly()
    {
        Assert.Equal(10, times.Share.TotalSeconds);
        times.Took(TimeSpan.FromSeconds(25));                             // 35 left for four folds and the run
        Assert.Equal(7, times.Share.TotalSeconds);
        times.Took(TimeSpan.FromSeconds(3));
        Assert.Equal((8, 28), (times.Share.TotalSeconds, times.Used.TotalSeconds));
    }

    [Fact]
    public void Folds_that_take_no_more_than_their_share_are_all_made()
    {
        for (var fold = 0; fold < 5; fold++, times.Took(times.Share))
            Assert.False(times.IsUp);
        Assert.Equal(50, times.Used.TotalSeconds);
    }

    [Fact]
    public void Where_starting_alone_takes_more_than_a_share_folds_are_left_out_and_the_run_still_ends_in_time()
    {
        var made = 0;
        for (; !times.IsUp; made++)
            times.Took(TimeSpan.FromSeconds(14));
        Assert.Equal((3, 42), (made, times.Used.TotalSeconds));           // and 14 of the run make 56; one more would make 70
    }

    [Fact]
    public void Two_folds_are_made_however_long_they_take()
    {
        times.Took(TimeSpan.FromSeconds(50));
        Assert.False(times.IsUp);
        times.Took(TimeSpan.FromSeconds(50));
        Assert.True(times.IsUp);
        Assert.Equal(5, times.Share.TotalSeconds);                        // no recipe may have less
    }
}
