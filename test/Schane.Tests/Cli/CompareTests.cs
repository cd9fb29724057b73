using System.Text.Json;

namespace Schane.Tests.Cli;

[Trait("Long", "1")]
public class CompareTests
{
    [Fact, Trait("Slow", "1")]
    public void Without_a_recipe_the_gain_of_the_contrastive_term_of_hard_negatives_and_of_balanced_batches_stand_apart()
    {
        using var photos = Photos.OfTwoClasses();
        var document = SchaneProgram.Run([.. Compare(photos, "--folds", "2", "--repeats", "1"), "--json"]).Done().Document()
            .GetProperty("comparisons")[0];
        var comparison = document.GetProperty("comparison");
        Assert.Equal(["Cross-entropy, shuffled batches", "Cross-entropy", "SupCon", "SCHaNe"],
            comparison.GetProperty("objectives").EnumerateArray().Select(o => o.GetProperty("label").GetString()!));
        Assert.Equal(8, comparison.GetProperty("runs").GetArrayLength());
        Assert.Equal(6, comparison.GetProperty("bootstrap").GetArrayLength());
        Assert.Equal(6, document.GetProperty("table").GetProperty("differences").GetArrayLength());
        Assert.True(File.Exists(Path.Combine(photos.Run, "compare.html")));
        // The same runs, each arm against CE alone.
        var ended = SchaneProgram.Run([.. Compare(photos, "--folds", "2", "--repeats", "1", "--against", "ce"), "--json"]).Done();
        Assert.Equal(["ce-shuffled", "supcon", "schane"], ended.Document().GetProperty("comparisons")[0].GetProperty("table")
            .GetProperty("differences").EnumerateArray().Select(d => d.GetProperty("first").GetProperty("name").GetString()!));
        Assert.Contains("All 8 runs are there.", ended.Errors);
        // Two folds test every image once.
        var tested = Enumerable.Range(0, 2).SelectMany(fold => Parts(photos, $"ce-s{fold}", "test")).ToList();
        Assert.Equal(20, tested.Distinct().Count());
        // The shuffled arm sees batches of the same size.
        Assert.Equal(Start(photos, "ce-s0").GetProperty("batch").GetInt32(),
            Start(photos, "ce-shuffled-s0").GetProperty("batch").GetInt32());
    }

    [Fact, Trait("Slow", "1")]
    public void Finished_runs_are_used_again_and_another_recipe_in_the_same_folder_is_refused()
    {
        using var photos = Photos.OfTwoClasses();
        SchaneProgram.Run(Compare(photos, "--seeds", "1")).Done();
        var model = Path.Combine(photos.Run, "schane-s0", "model.safetensors");
        var made = File.GetLastWriteTimeUtc(model);
        SchaneProgram.Run(Compare(photos, "--seeds", "1")).Done();
        Assert.Equal(made, File.GetLastWriteTimeUtc(model));
        Assert.Contains("--out", SchaneProgram.Run(Compare(photos, "--seeds", "1", "--lr", "0.5")).Refusal());
    }

    [Fact, Trait("Slow", "1")]
    public void Runs_of_different_data_are_not_compared_though_the_folders_have_one_name()
    {
        using var photos = Photos.OfTwoClasses();
        SchaneProgram.Run(Compare(photos, "--seeds", "1")).Done();
        using var others = new Photos(("red", 8), ("blue", 8));
        Directory.Delete(Path.Combine(photos.Run, "schane-s0"), recursive: true);
        string[] again = [.. Compare(others, "--seeds", "1").Select(word => word == others.Run ? photos.Run : word)];
        Assert.Contains("different images", SchaneProgram.Run(again).Refusal());
        Assert.Contains("--out", SchaneProgram.Run([.. again.Select(word => word == others.Data ? "lookalikes" : word)]).Refusal());
    }

    [Fact]
    [Trait("Slow", "1")]
    public void One_run_of_each_arm_has_the_interval_over_its_test_items_and_the_embeddings_stand_in_a_table()
    {
        using var photos = Photos.OfTwoClasses();
        var said = SchaneProgram.Run(Compare(photos, "--seeds", "1")).Done().Output;
        Assert.Contains("Wilson", said);
        Assert.Contains("uniformity", said);
        Assert.Contains("effective rank", said);
    }

    [Fact]
    public void Counts_that_do_not_go_together_are_refused()
    {
        using var photos = Photos.OfTwoClasses();
        Assert.Contains("--repeats", SchaneProgram.Run(Compare(photos, "--folds", "2", "--seeds", "3")).Refusal());
        Assert.Contains("--folds", SchaneProgram.Run(Compare(photos, "--repeats", "3")).Refusal());
        Assert.Contains("--labels", SchaneProgram.Run(Compare(photos, "--labels", "5,x")).Refusal());
        Assert.Contains("fewer folds", SchaneProgram.Run(Compare(photos, "--folds", "11")).Refusal());
        Assert.Contains("comes divided",
            SchaneProgram.Run("compare", "--data", "lookalikes", "--folds", "3", "--out", photos.Run).Refusal());
    }

    private static string[] Compare(Photos photos, params string[] flags) =>
        ["compare", "--data", photos.Data, "--out", photos.Run, "--weights", "none", "--input-size", "32", "--images-per-class", "2",
            "--threads", "1", "--steps", "2", .. flags];

    private static IEnumerable<string> Parts(Photos photos, string run, string part)
    {
        using var splits = JsonDocument.Parse(File.ReadAllText(Path.Combine(photos.Run, run, "splits.json")));
        return [.. splits.RootElement.GetProperty("parts").GetProperty(part).EnumerateArray().Select(name => name.GetString()!)];
    }

    private static JsonElement Start(Photos photos, string run) =>
        JsonDocument.Parse(File.ReadLines(Path.Combine(photos.Run, run, "journal.jsonl")).First()).RootElement;
}
