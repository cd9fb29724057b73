using System.Runtime.CompilerServices;

namespace Schane.Tests.Support;

/// <summary>The folder <c>recipes/</c> of the repository.</summary>
internal static class PublishedRecipes
{
    public static string Folder { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..", "recipes"));

    public static IEnumerable<string> Names =>
        Directory.EnumerateFiles(Folder, "*.yaml").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal);

    public static string PathOf(string name) => Path.Combine(Folder, name + ".yaml");

    private static string Here([CallerFilePath] string path = "") => path;
}
