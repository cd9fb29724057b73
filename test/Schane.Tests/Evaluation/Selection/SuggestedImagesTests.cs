using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Selection;
using Schane.Tensors;

namespace Schane.Tests.Evaluation.Selection;

public class SuggestedImagesTests
{
    public static TheoryData<string> Methods => [.. Enum.GetNames<SelectionMethod>()];

    [Fact]
    public void The_margin_is_that_of_the_two_most_probable_classes_and_the_least_comes_first()
    {
        Assert.Equal(0.1f, NextLabels.MarginOf([0.4f, 0.1f, 0.5f]), 1e-6f);
        Assert.Equal(0.85f, NextLabels.MarginOf([0.9f, 0.05f, 0.05f]), 1e-6f);
        Assert.Equal(1f, NextLabels.MarginOf([1f]));
        var pool = new UnlabelledImages([1, 1, 1], 1, [0.4f, 0.1f, 0.5f, 0.9f, 0.05f, 0.05f, 0.34f, 0.33f, 0.33f], 3);
        Assert.Equal([2, 0], NextLabels.Choose(SelectionMethod.Margin, pool, Labelled(1, 1), 2));
    }

    // (0.6, 0.4) less (1, 0), times (1, 0): −0.4, 0, 0.4, 0. (0.3, 0.7) less (0, 1), times (0, 2): 0, 0.6, 0, −0.6.
    [Fact]
    public void Gradients_lie_apart_as_outer_products_of_errors_and_embeddings_do()
    {
        var pool = new UnlabelledImages([1, 0, 0, 2, 1, 0], 2, [0.6f, 0.4f, 0.3f, 0.7f, 0.6f, 0.4f], 2);
        var gradients = new GradientSpread.Gradients(pool);
        Assert.Equal(2 * 0.16 + 2 * 0.36, gradients.SquaredDistance(0, 1), 1e-6);
        Assert.Equal(0, gradients.SquaredDistance(0, 2), 1e-6);
        Assert.Equal(1, gradients.Longest);
    }

    // Errors of ±0.4, 0, 0.2 and −0.2: the first is longest, the others lie 2·0.4², 2·0.2² and 2·0.6² from it.
    [Fact]
    public void The_second_gradient_is_drawn_by_its_squared_distance_from_the_first()
    {
        const int draws = 4000;
        var pool = new UnlabelledImages([1, 1, 1, 1], 1, [0.6f, 0.4f, 1, 0, 0.8f, 0.2f, 0.2f, 0.8f], 2);
        var second = new int[4];
        for (var seed = 0; seed < draws; seed++)
        {
            var chosen = NextLabels.Choose(SelectionMethod.Badge, pool, Labelled(1, 1), 2, seed);
            Assert.Equal(0, chosen[0]);
            second[chosen[1]]++;
        }
        Assert.Equal([0, 0.16 / 0.56, 0.04 / 0.56, 0.36 / 0.56], second.Select(n => (double)n / draws), (a, b) => Math.Abs(a - b) < 0.03);
    }

    [Fact]
    public void A_gradient_that_was_chosen_is_not_drawn_again_by_a_copy_while_others_are_left()
    {
        var pool = new UnlabelledImages([1, 1, 1, 1], 1, [0.6f, 0.4f, 0.6f, 0.4f, 0.8f, 0.2f, 0.2f, 0.8f], 2);
        for (var seed = 0; seed < 50; seed++)
        {
            var chosen = NextLabels.Choose(SelectionMethod.Badge, pool, Labelled(1, 1), 4, seed);
            Assert.Equal(1, chosen[3]);
            Assert.Equal([0, 1, 2, 3], chosen.Order());
        }
    }

    // One labelled kind at 0°, five images around 90° and three around 180°.
    [Fact]
    public void The_middle_of_the_largest_kind_without_a_label_comes_first()
    {
        double[] degrees = [88, 179, 89, 180, 90, 181, 91, 0.5, 92];
        var pool = Around(degrees);
        var labelled = new EmbeddingSet([1, 0], 2, [0], ["a"]);
        var chosen = NextLabels.Choose(SelectionMethod.Typical, pool, labelled, 2);
        Assert.Equal([90.0, 180.0], chosen.Select(i => degrees[i]));
    }

    [Fact]
    public void Few_labels_a_class_ask_for_typical_images_and_more_for_unsure_ones()
    {
        Assert.Equal(SelectionMethod.Typical, NextLabels.Resolve(SelectionMethod.Auto, Labelled(3, NextLabels.FewLabels * 3 - 1)));
        Assert.Equal(SelectionMethod.Margin, NextLabels.Resolve(SelectionMethod.Auto, Labelled(3, NextLabels.FewLabels * 3)));
        Assert.Equal(SelectionMethod.Badge, NextLabels.Resolve(SelectionMethod.Badge, Labelled(3, 1)));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void No_image_is_chosen_twice_the_same_seed_chooses_the_same_and_all_are_given_where_there_are_no_more(string name)
    {
        var (method, pool) = (Enum.Parse<SelectionMethod>(name), Random(40, 4, 3));
        var labelled = new EmbeddingSet(Random(6, 4, 3).Embeddings, 4, new int[6], ["a", "b", "c"]);
        var chosen = NextLabels.Choose(method, pool, labelled, 15, seed: 3);
        Assert.Equal((15, 15), (chosen.Length, chosen.Distinct().Count()));
        Assert.Equal(chosen, NextLabels.Choose(method, pool, labelled, 15, seed: 3));
        Assert.Equal(Enumerable.Range(0, 40), NextLabels.Choose(method, pool, labelled, 99).Order());
        Assert.Empty(NextLabels.Choose(method, new([], 4, [], 3), labelled, 5));
    }

    [Fact]
    public void The_order_of_the_images_does_not_change_which_have_the_least_margin()
    {
        var pool = Random(40, 4, 3);
        int[] order = [.. Enumerable.Range(0, 40)];
        new SampleRandom(9).Shuffle<int>(order);
        var shuffled = new UnlabelledImages([.. order.SelectMany(i => pool.Embedding(i).ToArray())], 4,
            [.. order.SelectMany(i => pool.Probability(i).ToArray())], 3);
        Assert.Equal(NextLabels.Choose(SelectionMethod.Margin, pool, Labelled(3, 1), 12),
            NextLabels.Choose(SelectionMethod.Margin, shuffled, Labelled(3, 1), 12).Select(place => order[place]));
    }

    [Fact]
    public void Rows_are_of_one_image_where_they_point_the_same_way_but_for_rounding()
    {
        float[] rows = [1, 0, 0, 1, 3, 0.0006f, 0, 0.5f, 0.7f, 0.7f, 0.7f, 0.75f];
        Assert.Equal([0, 1, 0, 1, 4, 5], UnitRows.FirstOfSame(UnitRows.Of(rows, 2), 2));
    }

    [Fact]
    public void Copies_are_found_among_many_rows_in_many_directions()
    {
        var rows = Random(300, 16, 2).Embeddings;
        int[] order = [.. Enumerable.Range(0, 600).Select(i => i % 300)];
        new SampleRandom(4).Shuffle<int>(order);
        var first = UnitRows.FirstOfSame(UnitRows.Of([.. order.SelectMany(i => rows[(16 * i)..(16 * i + 16)])], 16), 16);
        Assert.Equal(order.Select(i => Array.IndexOf(order, i)), first);
    }

    private static EmbeddingSet Labelled(int classes, int images) =>
        new([.. Enumerable.Repeat(1f, images)], 1, new int[images], [.. Enumerable.Range(0, classes).Select(c => $"{c}")]);

    private static UnlabelledImages Around(double[] degrees) =>
        new([.. degrees.SelectMany(d => new[] { (float)Math.Cos(d * Math.PI / 180), (float)Math.Sin(d * Math.PI / 180) })], 2,
            [.. Enumerable.Repeat(1f, degrees.Length)], 1);

    private static UnlabelledImages Random(int images, int width, int classes)
    {
        var random = new SampleRandom(images, width);
        var embeddings = new float[images * width];
        foreach (ref var value in embeddings.AsSpan())
            value = (float)random.Normal();
        var probabilities = new List<float>();
        for (var i = 0; i < images; i++)
        {
            double[] row = [.. Enumerable.Range(0, classes).Select(_ => random.NextDouble()).ToArray()];
            probabilities.AddRange(row.Select(p => (float)(p / row.Sum())));
        }
        return new(embeddings, width, [.. probabilities], classes);
    }
}
