namespace Schane.Cli;

/// <summary>The terminal that people look at, where there is one.</summary>
internal static class Terminal
{
    /// <summary>What a terminal that doesn't tell its width is taken for.</summary>
    private const int Usual = 80;

    /// <summary>Columns of the terminal that stdout is; null where it is a file or a pipe, whose lines may be of any length.</summary>
    public static int? OutputWidth => Console.IsOutputRedirected ? null : Columns();

    /// <summary>Columns of the terminal that stderr is; null where it is a file or a pipe.</summary>
    public static int? ErrorWidth => Console.IsErrorRedirected ? null : Columns();

    /// <summary>Whether stderr is a terminal on which a line can be drawn again.</summary>
    public static bool Redraws => !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>Takes away the line that stands on stderr, from its beginning.</summary>
    public const string ClearLine = "\r\e[K";

    private static int Columns()
    {
        try
        {
            return Console.WindowWidth is > 0 and var width ? width : Usual;
        }
        catch (IOException)
        {
            return Usual;
        }
    }
}
