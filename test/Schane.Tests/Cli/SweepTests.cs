namespace Schane.Tests.Cli;

[Trait("Long", "1")]
public class SweepTests
{
    [Fact, Trait("Slow", "1")]
    public void Settings_are_chosen_for_each_loss_and_compare_takes_them_from_there()
    {
        using var photos = Photos.OfTwoClasses();
        var ended = SchaneProgram.Run(Sweep(photos, "--losses", "ce,schane", "--over", "lr=1e-4,1e-3", "--json")).Done();
        var found = ended.Document();
        Assert.Equal(4, found.GetProperty("trials").GetArrayLength());
        Assert.Equal(["ce", "schane"], found.GetProperty("winners").EnumerateArray().Select(w => w.GetProperty("arm").GetString()!));
        Assert.Contains("once, at the end", ended.Errors);
        Assert.All(found.GetProperty("winners").EnumerateArray(),
            w => Assert.Equal("wilson", w.GetProperty("test").GetProperty("kind").GetString()));
        Assert.Contains("Compare with --seeds N", ended.Errors);
        var compared = SchaneProgram.Run("compare", "--recipe", Path.Combine(photos.Run, "best.yaml"), "--data", photos.Data, "--seeds",
            "2", "--threads", "1", "--out", Path.Combine(photos.Root, "compared"), "--json").Done();
        Assert.Equal(4, compared.Document().GetProperty("comparisons")[0].GetProperty("comparison").GetProperty("runs").GetArrayLength());
        // What the sweep left for the test is what every seed of the comparison is tested on.
        Assert.Single(((string[])[Path.Combine(photos.Run, "ce-t000-s0"),
            .. ((string[])["ce-s0", "schane-s1"]).Select(run => Path.Combine(photos.Root, "compared", run))])
            .Select(run => string.Join(' ', Schane.Data.Dividing.Splits.Load(Path.Combine(run, "splits.json")).Parts["test"])).Distinct());
    }

    [Fact]
    public void Without_anything_to_vary_the_way_out_is_named()
    {
        using var photos = Photos.OfTwoClasses();
        Assert.Contains("--over", SchaneProgram.Run(Sweep(photos)).Refusal());
        Assert.Contains("--trials", SchaneProgram.Run(Sweep(photos, "--over", "lr=1e-3", "--trials", "0")).Refusal());
        Assert.Contains("they have top1", SchaneProgram.Run(Sweep(photos, "--over", "lr=1e-3", "--metric", "top2")).Refusal());
    }

    private static string[] Sweep(Photos photos, params string[] flags) =>
        ["sweep", "--data", photos.Data, "--out", photos.Run, "--weights", "none", "--input-size", "32", "--images-per-class", "2",
            "--threads", "1", "--steps", "2", .. flags];
}
