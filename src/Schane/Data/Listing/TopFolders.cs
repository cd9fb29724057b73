using Schane.Data.Reading;

namespace Schane.Data.Listing;

/// <summary>What the folders at the top of a data folder are.</summary>
internal enum TopFolders
{
    /// <summary>Told by their names and by what they hold; refused where that says two things.</summary>
    Told,

    /// <summary>Parts, as <c>--parts</c> says.</summary>
    Parts,

    /// <summary>Classes, as <c>--classes</c> says.</summary>
    Classes,
}

/// <summary>Tells parts from classes: folders are parts only where that leaves no image unread.</summary>
internal static class FolderLayout
{
    /// <summary>The folders that are parts; none where the top folders are classes.</summary>
    /// <param name="shown">The folder's name in messages.</param>
    /// <param name="top">The folders in it.</param>
    /// <param name="how">What the user says.</param>
    public static IReadOnlyList<(DirectoryInfo Folder, string Part)> PartsOf(string shown, IReadOnlyList<DirectoryInfo> top, TopFolders how)
    {
        var parts = top.Select(d => (Folder: d, Part: PartWords.Find(d.Name)!)).Where(p => p.Part is not null).ToList();
        if (how == TopFolders.Parts && parts.Count == 0)
            throw new SchaneException($"--parts: '{shown}' holds no folder named like a part; parts are called {PartWords.Known}.");
        if (how == TopFolders.Classes || (how == TopFolders.Told && !AreParts(shown, top, parts)))
            return [];
        PartWords.RefuseTwice($"'{shown}'", parts.Select(p => p.Folder.Name));
        return parts.Exists(p => p.Part == "train") ? parts : throw new SchaneException(
            $"'{shown}' has the parts {Names(parts.Select(p => p.Folder))} but none to train on. Call one of them train.");
    }

    private static bool AreParts(string shown, IReadOnlyList<DirectoryInfo> top, List<(DirectoryInfo Folder, string Part)> parts)
    {
        if (top.Count < 2)
            return parts is [{ Part: "train" }] && HasClasses(top[0]);
        if (parts.Count == 0)
            return SameBelow(top) ? throw AskedOf(shown, top) : false;
        var others = top.Where(d => parts.TrueForAll(p => p.Folder != d) && FolderScan.HoldsImage(d.FullName, deep: true)).ToList();
        var withClasses = parts.Where(p => HasClasses(p.Folder)).ToList();
        // Images beside the classes of a part are counted; those of a part without classes would be its only ones.
        var loose = parts.Except(withClasses).Where(p => FolderScan.HoldsImage(p.Folder.FullName, deep: false)).ToList();
        var hasTrain = parts.Exists(p => p.Part == "train");
        if (withClasses.Count == 0 && others.Count > 0 || (!hasTrain && others.Count > 0 && !SameBelow(top)))
            return false;
        var unread = others.Concat(loose.Select(p => p.Folder)).Distinct().ToList();
        if (hasTrain && unread.Count == 0 && withClasses.Count > 0)
            return true;
        var named = Names(parts.Select(p => p.Folder));
        var asParts = !hasTrain ? "none of them is for training; call one of them train"
            : withClasses.Count == 0 ? $"that have no class folders, {shown}/{parts[0].Folder.Name}/CLASS"
            : $"and the images of {Names(unread)} are in no class folder of a part; --parts leaves them out";
        throw new SchaneException($"'{shown}' can be read in two ways: {named} as parts, {(hasTrain ? "" : "but ")}{asParts}; or " +
            $"{Names(top)} as classes; --classes says so.");
    }

    /// <summary>Folders that all hold the same folders are more likely parts, cameras or years than classes.</summary>
    private static SchaneException AskedOf(string shown, IReadOnlyList<DirectoryInfo> top) =>
        new($"'{shown}' can be read in two ways: {Names(top)} all hold the folders {Names(FolderScan.Folders(top[0].FullName))}, so they " +
            "may be parts, to be called train, val and test (or named one at a time); or they are the classes, and --classes says so.");

    private static bool SameBelow(IReadOnlyList<DirectoryInfo> top)
    {
        var first = Below(top[0]);
        return first.Count > 1 && top.All(d => Below(d).SequenceEqual(first) && !FolderScan.HoldsImage(d.FullName, deep: false));
    }

    private static List<string> Below(DirectoryInfo folder) => [.. FolderScan.Folders(folder.FullName).Select(d => d.Name)];

    private static bool HasClasses(DirectoryInfo folder) =>
        FolderScan.Folders(folder.FullName).Any(d => FolderScan.HoldsImage(d.FullName, deep: true));

    /// <summary>Names in quotes, cut where there are many.</summary>
    internal static string Names(IEnumerable<DirectoryInfo> folders)
    {
        var names = folders.Select(d => $"'{Printable.Short(d.Name)}'").ToList();
        return names.Count <= 6 ? string.Join(", ", names) : $"{string.Join(", ", names.Take(5))} and {names.Count - 5} more";
    }
}
