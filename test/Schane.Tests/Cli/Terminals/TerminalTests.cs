using System.Text.RegularExpressions;
using Schane.Tests.Support;

namespace Schane.Tests.Cli.Terminals;

/// <summary>What people see: answers on stdout, the rest on stderr, and nothing broken at any width.</summary>
[Trait("Slow", "1"), Trait("Long", "1")]
public class TerminalTests
{
    [Theory]
    [InlineData(80)]
    [InlineData(40)]
    [Needs(Needs.Tmux)]
    public void Nothing_breaks_inside_a_word_and_no_fragment_of_the_progress_is_left(int columns)
    {
        using var photos = new Photos(("red", 12), ("blue", 12));
        const string Train = "train --data photos --weights none --input-size 32 --loss ce --out run --steps 40";
        string[] lines = [Train, "evaluate run", "predict run photos/red", "data list", "models list", "--help"];
        foreach (var line in columns == 40 ? [.. lines, "evaluate --help"] : (string[])[.. lines, "data check photos", "recipe show",
            "models show resnet18", "data doctor --data photos --weights none --input-size 32 --batch 8", "train --help"])
        {
            var shown = Tmux.Run(columns, photos.Root, line);
            var piped = SchaneProgram.RunIn(photos.Root, $"{line}{(line == Train ? " --force" : "")}".Split(' '));
            var whole = Words(piped.Output + piped.Errors).ToHashSet();
            Assert.NotEmpty(shown);
            Assert.All(shown, text => Assert.All(Words(text), word => Assert.True(whole.Contains(word), $"{line}: '{word}' in '{text}'")));
            Assert.DoesNotContain(shown, text => text.Contains('━'));
        }
    }

    [Fact]
    public void Answers_go_to_stdout_and_what_is_said_of_the_work_to_stderr()
    {
        using var photos = new Photos(("red", 12), ("blue", 12));
        const string Train = "train --data photos --weights none --input-size 32 --steps 3 --out run";
        var trained = SchaneProgram.RunIn(photos.Root, Train.Split(' ')).Done();
        Assert.Matches(@"(?m)^  top1 +\d", trained.Output);
        Assert.Contains("The run is in run", trained.Output);
        Assert.DoesNotContain("train 3/3", trained.Output);
        Assert.Matches(@"(?m)^train 3/3 \(100 %\), loss", trained.Errors);
        Assert.Contains("schane predict run IMAGE", trained.Errors);
        foreach (var (line, answer) in ((string, string)[])
        [
            ("evaluate run", "top1"), ("predict run photos/red/0.png", "probability"), ("data list", "lookalikes"),
            ("data check photos", "24 images of 2 classes: ready to train on."), ("data show photos", "24 images of 2 classes."),
            ("models list", "schane_tiny"), ("models show resnet18", "GFLOPs"), ("recipe show", "temperature"),
            ("recipe check run/recipe.yaml", "right"), ("enroll run --class green photos/red/0.png", "Class 'green' is known from 1 image"),
            ("embed run", "are in embeddings.safetensors"), ("export run --onnx m.onnx", "parity on 64 images"),
            ("report run", "The report is in"), ("fewshot run --data photos --ways 2 --queries 2 --episodes 5", "accuracy"),
        ])
        {
            var ended = SchaneProgram.RunIn(photos.Root, line.Split(' ')).Done();
            Assert.Contains(answer, ended.Output);
            Assert.DoesNotContain(answer, ended.Errors);
            Assert.DoesNotContain(@"\n", ended.Output);
        }
    }

    // Numbers differ from run to run, and headings that stand before their cells end in a colon.
    private static IEnumerable<string> Words(string text) => Regex.Replace(text, @"\d+", "0")
        .Split([' ', '|', '\n'], StringSplitOptions.RemoveEmptyEntries).Where(word => !word.All(c => c is '─' or '\\'))
        .Select(word => word.TrimEnd(':'));
}
