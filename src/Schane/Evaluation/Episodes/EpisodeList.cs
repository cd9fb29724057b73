using System.Text.Json;
using System.Text.Json.Serialization;
using Schane.Checkpoints;
using Schane.Tensors;

namespace Schane.Evaluation.Episodes;

/// <summary>One task: tell some classes apart from a few images of each.</summary>
/// <param name="Classes">Labels of the classes, one a way.</param>
/// <param name="Support">Row indices of the labelled images, way by way.</param>
/// <param name="Query">Row indices of the images to classify, way by way.</param>
internal sealed record Episode(int[] Classes, int[] Support, int[] Query);

/// <summary>Episodes that were drawn once and can be used again, so that models are compared on the same ones.</summary>
/// <param name="Options">How they were drawn.</param>
/// <param name="Images">Rows of the data they were drawn from.</param>
/// <param name="Episodes">The tasks.</param>
internal sealed record EpisodeList(FewShotOptions Options, int Images, IReadOnlyList<Episode> Episodes)
{
    private const string Format = "schane-episodes-1";
    private const int NamesShown = 8;
    private static readonly JsonSerializerOptions Json = new()
    { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    /// <summary>Draws classes without replacement, then images of each without replacement. Episode e depends on
    /// the seed and e alone.</summary>
    /// <param name="labels">Label of each row.</param>
    /// <param name="classes">Names, for errors.</param>
    /// <param name="options">How many of what.</param>
    /// <exception cref="SchaneException">Too few classes, or a class with too few images; such classes are named.</exception>
    public static EpisodeList Draw(IReadOnlyList<int> labels, IReadOnlyList<string> classes, FewShotOptions options)
    {
        var rows = Enumerable.Range(0, labels.Count).GroupBy(i => labels[i]).OrderBy(g => g.Key)
            .Select(g => (Label: g.Key, Rows: g.ToArray())).ToArray();
        var need = options.Shots + options.Queries;
        var small = rows.Where(r => r.Rows.Length < need).ToList();
        if (small.Count > 0)
        {
            var named = string.Join(", ",
                small.Take(NamesShown).Select(s => $"'{Printable.Escape(classes[s.Label])}' has {s.Rows.Length}"));
            var more = small.Count > NamesShown ? $" and {small.Count - NamesShown} more classes" : "";
            throw new SchaneException($"Too few images: {named}{more}; {options.Shots} shots and {options.Queries} queries need {need} " +
                "of each class. Lower the shots or queries, or leave these classes out.");
        }
        if (rows.Length < options.Ways)
            throw new SchaneException(
                $"The data has {rows.Length} classes with images; {options.Ways}-way episodes need {options.Ways}. Lower the ways.");

        var episodes = new Episode[options.Episodes];
        for (var e = 0; e < episodes.Length; e++)
        {
            var random = new SampleRandom(options.Seed, e);
            var chosen = Sample(rows.Length, options.Ways, ref random);
            var (support, query) = (new List<int>(), new List<int>());
            foreach (var c in chosen)
            {
                var picked = Sample(rows[c].Rows.Length, need, ref random);
                support.AddRange(picked[..options.Shots].Select(i => rows[c].Rows[i]));
                query.AddRange(picked[options.Shots..].Select(i => rows[c].Rows[i]));
            }
            episodes[e] = new([.. chosen.Select(c => rows[c].Label)], [.. support], [.. query]);
        }
        return new(options, labels.Count, episodes);
    }

    /// <summary>Writes the list as JSON; a file that is there is replaced.</summary>
    public void Save(string path) => AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, new Document(Format, this), Json));

    /// <summary>Reads a list that <see cref="Save"/> wrote.</summary>
    /// <exception cref="SchaneException">The file is missing, is no such list, or its episodes don't have the shape they claim.</exception>
    public static EpisodeList Load(string path)
    {
        Document? document;
        try
        {
            using var stream = File.OpenRead(path);
            document = JsonSerializer.Deserialize<Document>(stream, Json);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' is not a list of episodes: {Printable.Escape(e.Message)}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' can't be read: {Printable.Escape(e.Message)}", e);
        }
        if (document is not { Format: Format, List: { Options: { } options, Episodes: { } episodes } list })
            throw new SchaneException($"'{Printable.Escape(path)}' is not a list of episodes of the form {Format}.");
        for (var e = 0; e < episodes.Count; e++)
            if (episodes[e] is not { Classes: { } c, Support: { } s, Query: { } q } || c.Length != options.Ways
                || s.Length != options.Ways * options.Shots || q.Length != options.Ways * options.Queries
                || s.Concat(q).Any(i => i < 0 || i >= list.Images))
                throw new SchaneException($"'{Printable.Escape(path)}': episode {e} doesn't hold {options.Ways} classes with " +
                    $"{options.Shots} + {options.Queries} of {list.Images} images each; draw the episodes again.");
        return list;
    }

    /// <summary>The first <paramref name="take"/> of a random order of 0 … count − 1.</summary>
    private static int[] Sample(int count, int take, ref SampleRandom random)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (var i = 0; i < take; i++)
        {
            var j = i + random.Below(count - i);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order[..take];
    }

    private sealed record Document(string Format, EpisodeList List);
}
