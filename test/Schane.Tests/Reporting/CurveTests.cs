using Schane.Reporting;
using Schane.Runs;

namespace Schane.Tests.Reporting;

public sealed class CurveTests
{
    [Fact]
    public void Holds_the_mean_the_least_and_the_greatest_of_each_stretch()
    {
        var curve = Curve.Of([.. Enumerable.Range(0, 500).Select(step => Step(step, step % 2 == 0 ? 1 : 3))], step => step.Loss)!;
        Assert.Equal(250, curve.Steps.Length);
        Assert.Equal((0.5, 2.0, 1.0, 3.0), (curve.Steps[0], curve.Mean[0], curve.Low[0], curve.High[0]));
    }

    [Fact]
    public void Is_as_it_was_where_a_screen_can_show_it()
    {
        var curve = Curve.Of([Step(1, 0.5), Step(2, null), Step(3, double.NaN), Step(4, -2)], step => step.Loss)!;
        Assert.Equal([1.0, 4.0], curve.Steps);
        Assert.Equal([0.5, -2.0], curve.Mean);
        Assert.False(curve.IsThinned);
    }

    [Theory]
    [InlineData(123456.789, 123456.789, 1)]
    [InlineData(0.000123456789, 0.00012346, 1e-12)]
    [InlineData(-1.23456789, -1.2346, 1e-12)]
    public void Rounds_to_what_a_chart_can_show(double value, double expected, double tolerance) =>
        Assert.Equal(expected, Curve.Rounded(value), tolerance: tolerance * 10);

    private static StepEvent Step(long step, double? loss) => new() { Step = step, Loss = loss };
}
