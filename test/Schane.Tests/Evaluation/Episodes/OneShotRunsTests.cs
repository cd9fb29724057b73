using Schane.Data;
using Schane.Data.Sets;
using Schane.Evaluation.Episodes;
using Schane.Tests.Support;

namespace Schane.Tests.Evaluation.Episodes;

public class OneShotRunsTests
{
    private static readonly Image8 Picture = new(1, 1, 1, [0]);

    [Fact]
    public void Each_test_image_is_compared_with_the_training_images_of_its_own_run()
    {
        // Two runs of two classes. The second run's rows would all be nearest to the first run's training rows if runs were mixed.
        OmniglotRun[] runs = [new("run01", [Picture, Picture], [Picture, Picture], [1, 0]),
            new("run02", [Picture, Picture], [Picture], [0])];
        float[] rows =
        [
            1, 0, 0, 1,                                                   // training of run01
            0.1f, 5, 0.1f, 9,                                             // test: both nearest to 1, the second wrongly
            -1, 0, 0, -1,                                                 // training of run02
            -0.6f, 0.1f,                                                  // test: nearest to 0
        ];
        Assert.Equal(7, OneShotRuns.Images(runs).Count);
        var result = OneShotRuns.Of(runs, new(rows, 2, new int[7], ["any"]));
        Assert.Equal((1, 3), (result.Wrong, result.Trials));
        Assert.Equal(100 / 3.0, result.ErrorPercent, 1e-12);
        Assert.Equal([50.0, 0.0], result.PerRun);
        Assert.Equal([[1, 1], [0]], result.Answers);
        Assert.Throws<ArgumentException>(() => OneShotRuns.Of(runs, new(rows[..4], 2, new int[2], ["any"])));
    }

    [Fact, Needs(Needs.Omniglot)]
    public void Pixels_alone_err_in_most_of_the_official_trials()
    {
        var runs = OmniglotRuns.Load();
        var images = OneShotRuns.Images(runs);
        var values = images.SelectMany(i => i.Pixels.Select(p => (float)p)).ToArray();
        var result = OneShotRuns.Of(runs, new(values, 105 * 105, new int[images.Count], ["any"]));
        Assert.Equal(400, result.Trials);
        Assert.InRange(result.ErrorPercent, 60, 90);                      // the Euclidean distance of pixels errs in about 4 of 5
    }
}
