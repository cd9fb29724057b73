namespace Schane.Data.Listing;

/// <summary>Finds the file that a list means, written on this system or on Windows.</summary>
internal static class ListedPath
{
    /// <summary>The path relative to the root, with forward slashes, and whether it leads out of the root.</summary>
    /// <param name="written">The path as the list has it.</param>
    /// <param name="root">The folder that it is relative to.</param>
    /// <param name="where">File and line, for messages.</param>
    /// <param name="mayLeadOut">Whether it may lie outside the root.</param>
    public static (string File, bool Outside) Of(string written, string root, string where, bool mayLeadOut)
    {
        var path = written.Trim();
        if (path.Length == 0)
            throw new SchaneException($"{where} has no path. Give it one or remove the line.");
        if (path.Contains('\0'))
            throw new SchaneException($"{where}: '{Printable.Escape(path)}' is no path.");
        if (!OperatingSystem.IsWindows() && path.Contains('\\') && !File.Exists(Path.Combine(root, path)))
            path = path.Length > 2 && path[1] == ':' && char.IsAsciiLetter(path[0]) || path.StartsWith(@"\\", StringComparison.Ordinal)
                ? throw new SchaneException($"{where}: '{Printable.Escape(path)}' is a path of a Windows machine, which is not this one. " +
                    "Write paths relative to the folder of the list.")
                : path.Replace('\\', '/');
        var full = Path.GetFullPath(Path.Combine(root, path));
        var outside = !full.StartsWith(Path.EndsInDirectorySeparator(root) ? root : root + Path.DirectorySeparatorChar,
            StringComparison.Ordinal);
        if (outside && !mayLeadOut)
            throw new SchaneException($"{where}: '{Printable.Escape(written)}' lies outside '{Printable.Escape(root)}'. Move the file.");
        return (Path.GetRelativePath(root, full).Replace(Path.DirectorySeparatorChar, '/'), outside);
    }
}
