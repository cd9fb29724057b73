using System.Text.RegularExpressions;
using Schane.Tests.Samples;

namespace Schane.Tests.House;

/// <summary>What docs/design.md and CONTRIBUTING.md ask of every file: the order of the rooms, and sizes that one can read.</summary>
public sealed partial class HouseTests
{
    private const int Columns = 140;
    private const int Lines = 250;
    private const int FilesInAFolder = 25;

    /// <summary>One flat list: the order of its properties is that of the keys of a recipe.</summary>
    private const string OneList = "src/Schane/Recipes/Recipe.cs";

    private static readonly string Root = ReadmeTests.Root();

    [Fact]
    public void A_room_uses_only_rooms_above_it()
    {
        var rooms = Rooms();
        var types = Sources("src/Schane")
            .SelectMany(f => Declaration().Matches(f.Text).Select(m => (Room: RoomOf(f.Path), Type: m.Groups[1].Value))).ToHashSet();
        var wrong = new List<string>();
        foreach (var (path, text) in Sources("src/Schane").Where(f => RoomOf(f.Path).Length > 0))
        {
            var own = RoomOf(path);
            // A room below is named by a using, by its whole namespace, or by its last part before one of its types: Training.Trainer.
            var below = rooms[(rooms.IndexOf(own) + 1)..];
            wrong.AddRange(WholeName().Matches(text).Select(m => m.Groups[1].Value).Where(below.Contains)
                .Select(room => $"{path} uses Schane.{room}"));
            wrong.AddRange(PartialName().Matches(text)
                .Where(m => below.Contains(m.Groups[1].Value) && types.Contains((m.Groups[1].Value, m.Groups[2].Value)))
                .Select(m => $"{path} uses {m.Value}"));
        }
        Assert.Empty(wrong.Distinct());
    }

    [Fact]
    public void The_rooms_of_the_design_are_the_folders_of_the_library_and_their_namespaces()
    {
        Assert.Equal(Rooms().Order(),
            Directory.GetDirectories(Path.Combine(Root, "src", "Schane")).Select(d => Path.GetFileName(d)!).Except(["bin", "obj"]).Order());
        var folders = from file in Sources("src")
                      let space = Namespace().Match(file.Text)
                      where space.Success && space.Groups[1].Value != Path.GetDirectoryName(file.Path)!["src/".Length..].Replace('/', '.')
                      select $"{file.Path}: {space.Groups[1].Value}";
        Assert.Empty(folders);
    }

    [Fact]
    public void The_library_knows_neither_the_command_nor_the_server() =>
        Assert.DoesNotContain(Sources("src/Schane"), f => Regex.IsMatch(f.Text, @"\busing Schane\.(Cli|Server)\b"));

    [Fact]
    public void Masked_fills_are_given_numbers_that_are_kept() =>
        Assert.DoesNotMatch(@"\.masked_fill_?\([^;]*?,\s*(-?\d|double\.|float\.)", string.Concat(Sources("src").Select(f => f.Text)));

    [Fact]
    public void Sums_of_whole_activations_are_made_with_a_number_that_is_kept() =>
        Assert.DoesNotMatch(@"\bx = x \+ |return \(x \+ ", string.Concat(Sources("src/Schane/Models").Select(f => f.Text)));

    [Fact]
    public void No_line_of_code_or_prose_is_wider_than_140_columns()
    {
        var code = Sources("src", "test", "bench", "samples").SelectMany(f => Wide(f.Path, f.Text.Split('\n')));
        var recipes = Files("recipes", "*.yaml").SelectMany(f => Wide(f.Path, f.Text.Split('\n')));
        // Rows of a table and command lines can't be broken; the page of all commands is generated.
        var prose = Files("docs", "*.md").Where(f => f.Path != "docs/commands.md").Concat(Files(".", "*.md", SearchOption.TopDirectoryOnly))
            .SelectMany(f => Wide(f.Path, Prose(f.Text)));
        Assert.Empty(code.Concat(recipes).Concat(prose));
    }

    [Fact]
    public void No_file_is_longer_than_250_lines()
    {
        var files = Sources("src", "test", "bench", "samples").Select(f => (f.Path, Lines: f.Text.Count(c => c == '\n')));
        (string, int)[] tooLong = [.. files.Where(f => f.Lines > Lines && f.Path != OneList)];
        Assert.Empty(tooLong);
    }

    [Fact]
    public void No_folder_holds_more_than_25_files() =>
        Assert.Empty(Sources("src", "test", "bench", "samples").GroupBy(f => Path.GetDirectoryName(f.Path))
            .Where(g => g.Count() > FilesInAFolder)
            .Select(g => $"{g.Key}: {g.Count()}"));

    // Rooms in the order of docs/design.md §3, from its listing.
    private static List<string> Rooms()
    {
        var listing = Regex.Match(File.ReadAllText(Path.Combine(Root, "docs", "design.md")),
            @"(?ms)^    src/Schane/.*?$(.*?)^    src/Schane\.Server/").Groups[1].Value;
        var rooms = Regex.Matches(listing, @"(?m)^      (\w+)/").Select(m => m.Groups[1].Value).ToList();
        Assert.InRange(rooms.Count, 10, 30);
        return rooms;
    }

    private static string RoomOf(string path) => path.Split('/') is ["src", "Schane", var room, _, ..] ? room : "";

    private static IEnumerable<string> Wide(string path, IEnumerable<string> lines) =>
        lines.Select((line, i) => (line, i)).Where(l => l.line.Length > Columns).Select(l => $"{path}:{l.i + 1}: {l.line.Length}");

    private static IEnumerable<string> Prose(string text)
    {
        var fenced = false;
        foreach (var line in text.Split('\n'))
        {
            fenced ^= line.StartsWith("```", StringComparison.Ordinal);
            yield return fenced || line.StartsWith('|') ? "" : line;
        }
    }

    private static IEnumerable<(string Path, string Text)> Sources(params string[] folders) =>
        folders.Where(f => Directory.Exists(Path.Combine(Root, f))).SelectMany(folder => Files(folder, "*.cs"));

    private static IEnumerable<(string Path, string Text)> Files(string folder, string pattern,
        SearchOption depth = SearchOption.AllDirectories) =>
        Directory.GetFiles(Path.Combine(Root, folder), pattern, depth).Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(part => part is "bin" or "obj")).Order(StringComparer.Ordinal)
            .Select(path => (path, File.ReadAllText(Path.Combine(Root, path))));

    [GeneratedRegex(@"\bSchane\.(\w+)\b")]
    private static partial Regex WholeName();

    [GeneratedRegex(@"(?<![\w.])([A-Z]\w+)\.([A-Z]\w+)")]
    private static partial Regex PartialName();

    [GeneratedRegex(@"\b(?:class|record|struct|interface|enum)\s+(?:struct\s+|class\s+)?([A-Z]\w+)")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"(?m)^namespace ([\w.]+);")]
    private static partial Regex Namespace();
}
