using System.Text.RegularExpressions;
using Schane.Tests.Cli;
using Schane.Tests.Inference;

namespace Schane.Tests.Samples;

/// <summary>The documents against the code: snippets, command lines, error messages, links.</summary>
[Collection(TrainedRunTests.Name)]
[Trait("Long", "1")]
public sealed class DocumentationTests(TrainedRun run)
{
    private static readonly string Root = ReadmeTests.Root();

    private static IEnumerable<(string Name, string Text)> Documents() =>
        Directory.GetFiles(Path.Combine(Root, "docs"), "*.md").Append(Path.Combine(Root, "README.md"))
            .Select(path => (Path.GetFileName(path), File.ReadAllText(path)));

    [Fact]
    public void Every_block_of_the_cookbook_is_code_that_the_tests_compile()
    {
        var samples = Regex.Matches(File.ReadAllText(Path.Combine(Root, "test", "Schane.Tests", "Samples", "Cookbook.cs")),
            @"        // <sample ([^>]*)>\n(.*?)        // </sample>", RegexOptions.Singleline)
            .Select(m => $"## {m.Groups[1].Value}\n```csharp\n{Regex.Replace(m.Groups[2].Value, "(?m)^ {8}", "")}```\n").ToList();
        var cookbook = File.ReadAllText(Path.Combine(Root, "docs", "cookbook.md"));
        Assert.All(samples, sample => Assert.Contains(sample, cookbook));
        Assert.Equal(samples.Count, Regex.Count(cookbook, "```csharp"));
    }

    [Fact]
    [Trait("Slow", "1")]
    public async Task The_cookbook_does_what_it_says()
    {
        var folder = Directory.CreateTempSubdirectory("schane-cookbook-").FullName;
        try
        {
            var copy = run.CopyTo(Path.Combine(folder, "copy"));
            Assert.Contains("top1", Cookbook.Train(run.Data, Path.Combine(folder, "run")).Metrics.Keys);
            Assert.Equal("red", Cookbook.Predict(copy, run.Red));
            Assert.Equal(20, Cookbook.PredictMany(copy, Path.Combine(run.Data, "red")).Count);
            Assert.Equal(1, await Cookbook.Similar(copy, run.Red, run.Red), 1e-5);
            await using (Cookbook.Services(copy))
            {
            }
            Assert.InRange(Cookbook.Enroll(copy, [run.Red, run.Blue]).Threshold, -1, 1);
            Assert.True(double.IsFinite(Cookbook.Loss()));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Every_command_line_of_the_documents_has_a_verb_and_flags_that_the_help_knows()
    {
        var verbs = Lines(SchaneProgram.Run("--help").Done().Output);
        var help = new Dictionary<string, string>();
        string HelpOf(string path) =>
            help.TryGetValue(path, out var text) ? text : help[path] = SchaneProgram.Run([.. path.Split(' '), "--help"]).Done().Output;
        var wrong = new List<string>();
        var used = new HashSet<string>();
        foreach (var (name, text) in Documents())
            foreach (var line in Commands(text))
            {
                var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (!verbs.Contains(words[0]))
                {
                    wrong.Add($"{name}: there is no verb in `schane {line}`");
                    continue;
                }
                used.Add(words[0]);
                var path = words.Length > 1 && HelpOf(words[0]).Contains("\nVerbs:\n", StringComparison.Ordinal)
                    ? $"{words[0]} {words[1]}" : words[0];
                foreach (var flag in words.Where(w => w.StartsWith("--", StringComparison.Ordinal))
                    .Select(w => w.Split('=')[0].TrimEnd(';', ',', '.', ')')))
                    if (flag.Length > 2 && !Regex.IsMatch(HelpOf(path), $@"(?m)^  (-\w, )?{Regex.Escape(flag)}\b(?!-)"))
                        wrong.Add($"{name}: `schane {line}`: {path} has no {flag}");
            }
        Assert.Empty(wrong);
        Assert.Empty(verbs.Except(used));                                 // and every verb stands in a document
    }

    [Fact]
    public void Every_message_of_the_troubleshooting_page_stands_in_the_code()
    {
        var code = string.Concat(Directory.GetFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal)).Select(File.ReadAllText));
        // A sentence that is written over two lines is one all the same.
        code = Regex.Replace(code, @""" \+\s+\$?""", "");
        var messages = Regex.Matches(File.ReadAllText(Path.Combine(Root, "docs", "troubleshooting.md")), @"(?m)^\| `([^`]+)` \|")
            .Select(m => m.Groups[1].Value).ToList();
        Assert.InRange(messages.Count, 20, 200);
        Assert.DoesNotContain(messages, message => !code.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void Links_between_documents_lead_somewhere()
    {
        foreach (var (name, text) in Documents())
            foreach (Match link in Regex.Matches(text, @"\]\((?!https?:|#)([^)#\s]+)"))
                Assert.True(Path.Exists(Path.Combine(Root, name == "README.md" ? "" : "docs", link.Groups[1].Value)),
                    $"{name} links to {link.Groups[1].Value}");
    }

    private static HashSet<string> Lines(string help) =>
        [.. help.Split('\n').SkipWhile(l => l != "Verbs:").Skip(1).TakeWhile(l => l.Length > 0).Where(l => l.Length > 2 && l[2] != ' ')
            .Select(l => l.Trim().Split(' ')[0])];

    /// <summary>What follows `schane` in blocks of shell and in code between words, without comments; names in
    /// capitals alone are prose.</summary>
    private static IEnumerable<string> Commands(string text) =>
        Regex.Matches(text, @"```sh\n(.*?)```", RegexOptions.Singleline).SelectMany(block => block.Groups[1].Value.Split('\n'))
            .Select(line => Regex.Match(line.Split(" #")[0], @"(?:^|\s)schane ([a-z].*)").Groups[1].Value)
            .Concat(Regex.Matches(text, @"`schane ([a-z][^`]*)`").Select(m => m.Groups[1].Value))
            .Where(line => line.Length > 0);
}
