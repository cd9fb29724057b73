using Schane.Data.Sets;
using Schane.Tensors;

namespace Schane.Tests.Data.Sets;

public class LookalikesTests
{
    [Fact]
    public void There_are_120_classes_in_30_groups_and_the_parts_have_their_sizes()
    {
        Assert.Equal((80, 20_000), Sizes(LookalikesPart.Base));
        Assert.Equal((80, 800), Sizes(LookalikesPart.BaseValidation));
        Assert.Equal((40, 400), Sizes(LookalikesPart.Train));
        Assert.Equal((40, 400), Sizes(LookalikesPart.Validation));
        Assert.Equal((40, 1_200), Sizes(LookalikesPart.Test));

        static (int, int) Sizes(LookalikesPart part) => new LookalikesDataset(part) is var set ? (set.Classes.Count, set.Count) : default;
    }

    [Fact]
    public void Base_and_novel_share_no_group_and_class_names_are_unique()
    {
        var (baseSet, novel) = (new LookalikesDataset(LookalikesPart.Base), new LookalikesDataset(LookalikesPart.Test));
        Assert.Empty(baseSet.TwinGroups.Intersect(novel.TwinGroups));
        Assert.Equal(120, baseSet.Classes.Concat(novel.Classes).Distinct().Count());
        Assert.Equal(new LookalikesDataset(LookalikesPart.Train).Classes, novel.Classes);
        for (var label = 0; label < novel.Classes.Count; label++)
            Assert.StartsWith(novel.TwinGroups[novel.TwinGroupOf(label)], novel.Classes[label], StringComparison.Ordinal);
    }

    [Fact]
    public void A_image_is_the_same_whenever_and_on_whichever_thread_it_is_read()
    {
        var set = new LookalikesDataset(LookalikesPart.Test, imagesPerClass: 2);
        var once = Enumerable.Range(0, set.Count).Select(i => set.Read(i).Pixels).ToArray();
        var again = new byte[set.Count][];
        Parallel.For(0, set.Count, new() { MaxDegreeOfParallelism = 4 },
            i => again[set.Count - 1 - i] = set.Read(set.Count - 1 - i).Pixels);
        Assert.Equal(once, again);
    }

    [Fact]
    public void No_image_comes_twice_in_any_part_or_under_another_seed()
    {
        LookalikesDataset[] sets = [.. Enum.GetValues<LookalikesPart>().Select(part => new LookalikesDataset(part, 3)),
            new(LookalikesPart.Test, 3, seed: 1)];
        var pictures = sets.SelectMany(set => Enumerable.Range(0, set.Count).Select(i => Convert.ToHexString(set.Read(i).Pixels))).ToList();
        Assert.Equal(pictures.Count, pictures.Distinct().Count());
    }

    [Fact]
    public void More_images_per_class_begin_with_the_same_ones()
    {
        var (few, many) = (new LookalikesDataset(LookalikesPart.Train, 2), new LookalikesDataset(LookalikesPart.Train, 7));
        Assert.Equal(few.Read(2 * 5 + 1).Pixels, many.Read(7 * 5 + 1).Pixels);
        Assert.Equal(few.NameOf(2 * 5 + 1), many.NameOf(7 * 5 + 1));
        Assert.Equal(5, many.LabelOf(7 * 5 + 1));
    }

    [Fact]
    public void Twins_in_the_same_pose_differ_in_some_pixels_and_in_fewer_than_strangers_do()
    {
        LookalikesGroup[] groups = [.. LookalikesCatalogue.Base, .. LookalikesCatalogue.Novel];
        foreach (var group in groups)
        {
            Assert.Equal(LookalikesDataset.TwinsPerGroup, group.Twins.Count);
            for (var twin = 1; twin < group.Twins.Count; twin++)
                Assert.InRange(Difference(group.Figure(twin - 1), group.Figure(twin)), 25, 1200);   // of 4096
        }
        var twins = groups.Average(g => Difference(g.Figure(1), g.Figure(2)));
        var strangers = groups.Zip(groups.Skip(1)).Average(pair => Difference(pair.First.Figure(1), pair.Second.Figure(2)));
        Assert.True(twins < 0.5 * strangers, $"twins differ in {twins:f0} pixels, strangers in {strangers:f0}");
    }

    [Fact]
    public void Wrong_indices_labels_counts_and_parts_are_refused_by_name()
    {
        var set = new LookalikesDataset(LookalikesPart.Train, 2);
        Assert.Contains("index must lie between 0 and 79 but is 80.",
            Assert.Throws<ArgumentOutOfRangeException>(() => set.Read(80)).Message);
        Assert.Contains("label must lie between 0 and 39 but is -1.",
            Assert.Throws<ArgumentOutOfRangeException>(() => set.TwinGroupOf(-1)).Message);
        Assert.Contains("imagesPerClass must be at least 1",
            Assert.Throws<ArgumentOutOfRangeException>(() => new LookalikesDataset(LookalikesPart.Train, 0)).Message);
        Assert.Equal("Lookalikes has the parts base, base-val, train, val, test, but no 'tset'.",
            Assert.Throws<SchaneException>(() => LookalikesDataset.PartOf("tset")).Message);
        Assert.Equal(LookalikesPart.BaseValidation, LookalikesDataset.PartOf("base-val"));
    }

    /// <summary>Pixels that change by more than 16 levels when one figure takes the other's place with the same random numbers.</summary>
    private static int Difference(LookalikesFigure a, LookalikesFigure b)
    {
        var (forA, forB) = (new SampleRandom(7, 7), new SampleRandom(7, 7));
        var (first, second) = (LookalikesPainter.Paint(a, 64, ref forA), LookalikesPainter.Paint(b, 64, ref forB));
        return Enumerable.Range(0, 64 * 64).Count(p => Enumerable.Range(3 * p, 3).Any(i => Math.Abs(first[i] - second[i]) > 16));
    }
}
