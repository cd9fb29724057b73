using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Schane.Tests.Cli;

/// <summary>The help texts stand in Approved/, so a change of the command line shows as a diff. SCHANE_APPROVE=1 rewrites them.</summary>
[Trait("Long", "1")]
public class HelpTests
{
    public static TheoryData<string> Verbs => ["", "train", "evaluate", "predict", "average", "enroll", "suggest", "monitor", "serve",
        "fewshot", "embed", "compare", "sweep", "export", "report", "data", "data list", "data check", "data doctor", "data labels",
        "data show", "data fetch", "recipe", "recipe check", "recipe show", "models", "models list", "models show", "models fetch",
        "doctor"];

    [Theory]
    [MemberData(nameof(Verbs))]
    public void Help_is_the_approved_text(string verb)
    {
        var help = SchaneProgram.Run([.. verb.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]).Done();
        Assert.Empty(help.Errors);
        var file = Path.Combine(Folder(), $"{(verb.Length == 0 ? "schane" : verb.Replace(' ', '-'))}.txt");
        if (Environment.GetEnvironmentVariable("SCHANE_APPROVE") == "1")
            File.WriteAllText(file, help.Output);
        Assert.Equal(File.ReadAllText(file), help.Output);
        Assert.DoesNotContain(help.Output.Split('\n'), line => line.Length > 80);
    }

    /// <summary>docs/commands.md is made of the approved texts; after these have changed, SCHANE_APPROVE=1 once
    /// more writes it again.</summary>
    [Fact]
    public void The_page_of_all_commands_holds_the_approved_texts()
    {
        var page = CommandsPage.Of(Verbs.Select(v => v.Data).Select(verb =>
            (verb, File.ReadAllText(Path.Combine(Folder(), $"{(verb.Length == 0 ? "schane" : verb.Replace(' ', '-'))}.txt")))));
        var file = Path.Combine(Samples.ReadmeTests.Root(), "docs", "commands.md");
        if (Environment.GetEnvironmentVariable("SCHANE_APPROVE") == "1")
            File.WriteAllText(file, page);
        Assert.Equal(File.ReadAllText(file), page);
    }

    [Fact]
    public void Every_verb_in_the_help_has_an_approved_text_with_examples()
    {
        foreach (var path in VerbsBelow(""))
        {
            var text = File.ReadAllText(Path.Combine(Folder(), $"{path.Replace(' ', '-')}.txt"));
            Assert.Contains(text.Contains("\nVerbs:\n", StringComparison.Ordinal) ? "VERB" : $"\nExamples:\n  schane {path}", text);
        }
    }

    [Fact]
    public void Every_setting_of_a_recipe_is_a_flag_of_train()
    {
        var help = SchaneProgram.Run("train", "--help").Done().Output;
        foreach (var key in Schane.Recipes.RecipeFile.Keys)
            Assert.Matches($@"(?m)^  --{key}\b(?!-)", help);
    }

    // Processor time, which other tests on the same cores don't lengthen; an idle machine needs no more than that.
    [Fact]
    public void Help_takes_less_than_a_third_of_a_second()
    {
        Assert.SkipUnless(File.Exists("/bin/bash"), "There is no bash to count processor time.");
        using var shell = Process.Start(new ProcessStartInfo("/bin/bash",
            ["-c", "TIMEFORMAT='%U %S'; time \"$0\" --help >/dev/null", SchaneProgram.File])
        { RedirectStandardError = true })!;
        var seconds = shell.StandardError.ReadToEnd().Trim().Split(' ').Sum(part => double.Parse(part, CultureInfo.InvariantCulture));
        Assert.InRange(seconds, 0.001, 0.3);
    }

    [Fact]
    public void Help_needs_neither_torch_nor_the_decoder_nor_the_console_library()
    {
        Assert.Contains("schane VERB", SchaneProgram.RunWithOnly(["System.CommandLine.dll"], "--help").Done().Output);
        Assert.Equal(1, SchaneProgram.RunWithOnly(["System.CommandLine.dll"], "doctor").ExitCode);
    }

    [Fact]
    public void The_version_is_one_line() => Assert.Matches(@"^schane \d+\.\d+\.\d+\S*\n$", SchaneProgram.Run("--version").Done().Output);

    [Fact]
    public void No_verb_at_all_shows_the_help_on_stderr_and_is_wrong_use()
    {
        var ended = SchaneProgram.Run();
        Assert.Equal(2, ended.ExitCode);
        Assert.Empty(ended.Output);
        Assert.Contains("schane VERB", ended.Errors);
    }

    private static IEnumerable<string> VerbsBelow(string path)
    {
        var lines = SchaneProgram.Run([.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]).Done().Output.Split('\n');
        foreach (var line in lines.SkipWhile(l => l != "Verbs:").Skip(1).TakeWhile(l => l.Length > 0)
            .Where(l => l.Length > 2 && l[2] != ' '))
        {
            var verb = $"{path} {line.Trim().Split(' ')[0]}".Trim();
            yield return verb;
            foreach (var below in VerbsBelow(verb))
                yield return below;
        }
    }

    internal static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "Approved");
}
