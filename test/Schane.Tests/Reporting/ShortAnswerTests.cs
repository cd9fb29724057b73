using Schane.Reporting.Sections;
using Schane.Runs;

namespace Schane.Tests.Reporting;

/// <summary>What a run's page says first.</summary>
public sealed class ShortAnswerTests : IDisposable
{
    private readonly SampleRun folder = new(write: false);

    [Fact]
    public void The_figure_stands_in_a_sentence_with_its_interval() => Assert.Equal("The model names 75.0\u202f% of 40 images of the " +
        "test part rightly; of others like them it would be 59.8 to 85.8\u202f% (95\u202f% interval).",
        ShortAnswerSection.Verdict(Results([[15, 5], [5, 15]], 0.598, 0.858)));

    [Fact]
    public void A_model_that_knows_its_training_images_needs_other_images() =>
        Assert.Contains(Next(Results([[15, 5], [5, 15]]), known: 0.99, [0.7, 0.75, 0.75]),
            said => said.Contains("more steps give nothing"));

    [Fact]
    public void A_model_that_was_getting_better_at_its_end_needs_more_steps() =>
        Assert.Contains(Next(Results([[15, 5], [5, 15]]), known: 0.8, [0.6, 0.7, 0.75]), said => said.Contains("train longer"));

    [Fact]
    public void A_model_whose_best_was_before_the_end_does_not() =>
        Assert.DoesNotContain(Next(Results([[15, 5], [5, 15]]), known: 0.8, [0.6, 0.8, 0.75]), said => said.Contains("train longer"));

    [Fact]
    public void An_interval_that_holds_chance_is_called_that() =>
        Assert.Contains(Next(Results([[11, 9], [9, 11]], 0.4, 0.69), known: 0.5, []), said => said.Contains("no better than to name"));

    [Fact]
    public void One_pair_that_makes_a_quarter_of_the_mistakes_is_named_with_its_labels() =>
        Assert.Contains(Next(Results([[15, 5, 0], [1, 18, 1], [1, 0, 19]]), known: 0.95, []),
            said => said.StartsWith("5 of the 8 mistakes take “a” for “b”: ", StringComparison.Ordinal));

    [Fact]
    public void Few_images_and_none_mistaken_are_said()
    {
        Assert.Contains(Next(Results([[5, 1], [1, 5]]), known: 0.95, []), said => said.Contains("12 images are too few"));
        Assert.Contains(Next(Results([[20, 0], [0, 20]]), known: 1, []), said => said.Contains("No image was mistaken."));
    }

    public void Dispose() => folder.Dispose();

    private IEnumerable<string> Next(RunResults results, double known, double[] validated)
    {
        using (var journal = new Journal(folder.At("journal.jsonl")))
        {
            for (var step = 1; step <= 20; step++)
                journal.Write(new StepEvent { Step = step, Accuracy = known });
            foreach (var top1 in validated)
                journal.Write(new EvaluationEvent(20, 1, "val", new Dictionary<string, double?> { ["top1"] = top1 }));
        }
        return ShortAnswerSection.Next(results, RunHistory.Read(folder.At("journal.jsonl")));
    }

    private static RunResults Results(int[][] confusion, double low = 0.5001, double high = 0.9)
    {
        var (all, right) = (confusion.Sum(row => row.Sum()), confusion.Select((row, truth) => row[truth]).Sum());
        return SampleRun.Results with
        {
            Images = all,
            Metrics = new Dictionary<string, double> { ["top1"] = (double)right / all, ["top1_low"] = low, ["top1_high"] = high },
            Classes = [.. "abc"[..confusion.Length].Select(c => $"{c}")],
            PerClass = [.. confusion.Select((row, c) => new ClassResult($"{"abc"[c]}", row.Sum(), 0.5, 0.5, 0.5))],
            Confusion = confusion,
        };
    }
}
