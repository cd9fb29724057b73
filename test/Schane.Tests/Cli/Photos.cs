using Schane.Tests.Data;

namespace Schane.Tests.Cli;

/// <summary>A folder of small images in classes that differ in colour, to train on in a second.</summary>
internal sealed class Photos : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public Photos(params (string Class, int Images)[] classes)
    {
        Directory.CreateDirectory(Data);
        foreach (var ((name, images), c) in classes.Select((item, i) => (item, i)))
            for (var i = 0; i < images; i++)
                folder.Write(Path.Combine("photos", name, $"{i}.png"),
                    Pictures.Flat(40, 40, (byte)(60 + 90 * c), (byte)(10 + 3 * i), (byte)(200 - 90 * c)));
    }

    /// <summary>Two classes of ten.</summary>
    public static Photos OfTwoClasses() => new(("red", 10), ("blue", 10));

    /// <summary>The folder above the data, where runs can be put.</summary>
    public string Root => folder.Path;

    public string Data => Path.Combine(folder.Path, "photos");

    public string Run => Path.Combine(folder.Path, "run");

    public string Write(string relative, byte[] content) => folder.Write(Path.Combine("photos", relative), content);

    /// <summary>The command line that trains a few steps on it, with more flags behind.</summary>
    public string[] Train(params string[] flags) =>
        ["train", "--data", Data, "--out", Run, "--weights", "none", "--input-size", "32", "--images-per-class",
            "2", "--threads", "1", "--no-refit", .. flags];

    /// <summary>Every file with its time and content, so that a change shows.</summary>
    public string Fingerprint() =>
        string.Join('\n', Directory.EnumerateFileSystemEntries(Data, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(path =>
            $"{path} {File.GetLastWriteTimeUtc(path):O} {(File.Exists(path) ? Convert.ToHexString(File.ReadAllBytes(path)) : "")}"));

    public void Dispose() => folder.Dispose();
}
