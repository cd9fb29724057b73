using System.Text.Json;
using Schane.Evaluation.Statistics;
using Schane.Export;
using Schane.Jobs.Int8;
using Schane.Tests.Data;

namespace Schane.Tests.Export;

/// <summary>What a file in int8 costs and gains, and on which images.</summary>
public sealed class Int8CertificateTests
{
    private static readonly Int8Certificate Blank = new(0, "the run's test part", 9, 0, 0, 0, 0, 0, 0.01, 0, 0, 0, 0, 0,
        4_000_000, 1_000_000, 2, 1, 2, 8, 100, 150, 1.5, 2, "pencil (lead)", "by hand");

    [Fact]
    public void Its_figures_are_those_of_a_pencil()
    {
        // Four images of classes 0, 0, 1, 1. Float32 has all right but the last; int8 loses the first and gains none.
        double[][] trained = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]];
        double[][] whole = [[0.4, 0.6], [0.7, 0.3], [0.3, 0.7], [0.5, 0.5]];
        var found = Blank.With(trained, whole, [0, 0, 1, 1]);
        Assert.Equal((4, 0.75, 0.5, 0.25), (found.Images, found.Top1, found.Int8Top1, found.Loss));
        Assert.Equal(1, found.PValue, 12);                                  // one image is one's alone
        Assert.Equal(0.75, found.Agreement);
        Assert.Equal(0.5, found.LargestProbabilityDifference, 12);
        Assert.Equal((0.5 + 0.1 + 0 + 0.1) / 4, found.MeanProbabilityDifference, 12);
        Assert.Equal((0.1 + 0.2 + 0.3 + 0.6) / 4, found.Ece, 12);         // each image in a bin of its own
        Assert.Equal((0.6 + 0.3 + 0.3 + 0.5) / 4, found.Int8Ece, 12);
        // Half an image more in each cell: (1.5 − 0.5)/6 ± 1.96 √(2 − 1/6)/6.
        Assert.Equal(1 / 6.0 - 1.959964 * Math.Sqrt(11 / 6.0) / 6, found.LossLow, 6);
        Assert.Equal(1 / 6.0 + 1.959964 * Math.Sqrt(11 / 6.0) / 6, found.LossHigh, 6);
        Assert.StartsWith("int8 costs 25.0 points of top-1 (75.0% in float32, 50.0% in int8", $"{found}");
        Assert.Contains("1.0 MB instead of 4.0 (0.25 ×); one image takes 1.0 ms instead of 2.0 (2.00 × as fast), 8 at a time", $"{found}");
        var json = JsonDocument.Parse(found.ToJson()).RootElement;
        Assert.Equal((0.25, true), (json.GetProperty("loss").GetDouble(), json.GetProperty("passed").GetBoolean()));   // one image may go
    }

    [Fact]
    public void It_fails_where_more_is_lost_than_the_limit_and_one_image()
    {
        Int8Certificate Of(int lost, int images, double limit) => (Blank with { Limit = limit }).With(
            [.. Enumerable.Repeat<double[]>([1, 0], images)],
            [.. Enumerable.Range(0, images).Select(i => i < lost ? [0, 1] : (double[])[1, 0])], new int[images]);
        Assert.True(Of(1, 20, 0.01).Passed);
        Assert.False(Of(2, 20, 0.01).Passed);
        Assert.True(Of(2, 200, 0.01).Passed);
        Assert.False(Of(3, 200, 0.01).Passed);
        Assert.True(Of(3, 200, 0.02).Passed);
        Assert.Contains("costs more than the 1 points that it may, so no file was left: int8 costs 1.5 points",
            new Int8Exception(Of(3, 200, 0.01)).Message);
        Assert.False(Blank.With([[1, 0]], [[double.NaN, double.NaN]], [0]).Passed);
    }

    [Fact]
    public void Where_no_image_is_ones_alone_the_interval_keeps_a_width()
    {
        var (low, high) = McNemar.Difference(0, 0, 98);
        Assert.Equal(-0.0195996, low, 6);
        Assert.Equal(0.0195996, high, 6);
    }

    [Fact]
    public void Ranges_are_never_taken_from_images_that_are_measured()
    {
        var (train, test, validation) = (new FakeDataset(new int[600]), new FakeDataset(new int[1500]), new FakeDataset(new int[40]));
        var images = Int8Images.Of(train, test, validation);
        Assert.Equal(("the run's test part", 256, 1000),
            (images.Source, images.Calibration.Indices.Count, images.Measured.Indices.Count));
        Assert.Same(train, images.Calibration.Images);
        Assert.Same(test, images.Measured.Images);
        Assert.Equal(1000, images.Measured.Indices.Distinct().Count());

        Assert.Same(validation, Int8Images.Of(train, null, validation).Measured.Images);
        var alone = Int8Images.Of(new FakeDataset(new int[101]), null, null);
        Assert.Equal("training images, since the run keeps none aside", alone.Source);
        Assert.Equal(Enumerable.Range(0, 101), alone.Calibration.Indices.Concat(alone.Measured.Indices).Order());
    }

    [Fact]
    public void A_run_without_images_is_refused_in_one_sentence()
    {
        Assert.Contains("but the run has 1; store float16",
            Assert.Throws<SchaneException>(() => Int8Images.Of(new FakeDataset(new int[1]), null, null)).Message);
        Assert.Contains("A file of weights alone has no images", Assert.Throws<SchaneException>(() => Int8Images.Of(null, null)).Message);
    }

    [Fact]
    public void Speeds_are_medians_of_pairs()
    {
        var calls = new List<char>();
        var speed = PairedSpeed.Of(() => { calls.Add('a'); Thread.Sleep(30); }, () => { calls.Add('b'); Thread.Sleep(10); }, TimeSpan.Zero);
        Assert.InRange(speed.Speedup, 1.5, 3.5);
        Assert.Equal("ababab", string.Concat(calls.Take(6)));
        Assert.Equal("baab", string.Concat(calls.Skip(6).Take(4)));        // who is first takes turns
        Assert.Equal(calls.Count(c => c == 'a'), calls.Count(c => c == 'b'));
    }
}
