using Schane.Reporting;

namespace Schane.Tests.Reporting;

public sealed class ConfusionMatrixTests
{
    // a is taken for c three times of four, b for d once of two, c for a once of ten.
    private static readonly ConfusionMatrix matrix = ConfusionMatrix.Of(["a", "b", "c", "d"],
        [[1, 0, 3, 0], [0, 1, 0, 1], [1, 0, 9, 0], [0, 0, 0, 5]]);

    [Fact]
    public void Lists_mistakes_by_how_often_they_happen_then_by_their_share() =>
        Assert.Equal(["a>c 3 0.75", "b>d 1 0.5", "c>a 1 0.1"],
            matrix.Mistakes.Select(m => $"{matrix.Classes[m.Truth]}>{matrix.Classes[m.Taken]} {m.Count} {m.Share:0.##}"));

    [Fact]
    public void Puts_classes_side_by_side_that_are_mistaken_for_each_other()
    {
        var order = matrix.Neighbours();
        Assert.Equal([0, 1, 2, 3], order.Order());
        Assert.Equal(1, Math.Abs(Array.IndexOf(order, 0) - Array.IndexOf(order, 2)));
        Assert.Equal(1, Math.Abs(Array.IndexOf(order, 1) - Array.IndexOf(order, 3)));
    }

    [Fact]
    public void Keeps_the_shares_of_the_whole_where_only_the_worst_classes_are_drawn()
    {
        var worst = matrix.Worst(2);
        Assert.Equal(["a", "c"], worst.Classes);
        Assert.Equal(0.75, worst.Mistakes[0].Share);
        Assert.Equal(4, worst.Images(0));
    }
}
