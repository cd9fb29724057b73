namespace Schane.Data.Listing;

/// <summary>The words for the parts of a data set, the same for folders, columns of lists and names of Parquet files.</summary>
internal static class PartWords
{
    /// <summary>What can be written, for messages.</summary>
    public const string Known = "train, training, training_set, val, valid, validation, eval, dev, test, testing, test_set or holdout";

    private static readonly Dictionary<string, string> Meanings = new[]
    {
        (Part: "train", Words: "train training train_set training_set trainset"),
        (Part: "val", Words: "val valid validation eval evaluation dev val_set valid_set validation_set eval_set dev_set"),
        (Part: "test", Words: "test testing test_set testing_set testset holdout hold_out holdout_set"),
    }.SelectMany(row => row.Words.Split(' ').Select(word => (word, row.Part))).ToDictionary(pair => pair.word, pair => pair.Part);

    /// <summary><c>train</c>, <c>val</c> or <c>test</c>; null for a word that means none.</summary>
    public static string? Find(string word) => Meanings.GetValueOrDefault(Plain(word));

    /// <summary>Refuses words of which two mean one part, where it is not known which to take.</summary>
    /// <param name="what">What the words stand in, as messages name it.</param>
    /// <param name="words">The words.</param>
    /// <param name="spellings">Whether two words for one part are only two spellings; <c>eval</c> beside another word for <c>val</c> is
    /// refused all the same, because it may mean the test.</param>
    public static void RefuseTwice(string what, IEnumerable<string> words, bool spellings = false)
    {
        var twice = words.Distinct().GroupBy(Find).FirstOrDefault(g => g.Key is not null && g.Count() > 1 && (!spellings
            || (g.Any(IsEval) && !g.All(IsEval))));
        if (twice is not null)
            throw new SchaneException($"{what} has {string.Join(" and ", twice.Select(word => $"'{Printable.Escape(word)}'"))}, which " +
                $"{(twice.Count() == 2 ? "both" : "all")} mean {twice.Key}. Keep one of them, or rename the one for the final " +
                "measurement to test.");
    }

    private static bool IsEval(string word) => Plain(word).StartsWith("eval", StringComparison.Ordinal);

    private static string Plain(string word) => word.Trim().ToLowerInvariant().Replace('-', '_').Replace(' ', '_');
}
