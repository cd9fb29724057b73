using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Schane.Distributed;
using Schane.Export;
using Schane.Jobs.Studies;
using Schane.Training;
using Schane.Verification;

namespace Schane.Cli;

/// <summary>Where output goes: what was asked for on stdout, in words and tables or as one JSON document; progress, notes, warnings and
/// errors on stderr.</summary>
internal sealed class Screen(bool json, bool verbose, bool silent = false)
{
    private static readonly JsonSerializerOptions Format = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    /// <summary>Whether the result is asked for as JSON on stdout.</summary>
    public bool IsJson => json;

    /// <summary>Whether stderr is a terminal that a progress bar can be drawn on.</summary>
    public bool IsTerminal { get; } = !silent && Terminal.Redraws;

    /// <summary>Prints help or the version, and ends with exit code 0.</summary>
    public static int Print(string text)
    {
        Console.Out.WriteLine(text);
        return Exit.Done;
    }

    /// <summary>A line about the work, on stderr: progress, a note, a warning, an error. Names in it may come from anywhere.</summary>
    public void Say(string line)
    {
        if (!silent)
            Write(Console.Error, TextLayout.Wrap(Printable.Escape(line), Terminal.ErrorWidth));
    }

    /// <summary>A line of what was asked for, on stdout; under <c>--json</c>, where the document says it, on stderr. Names in it may come
    /// from anywhere.</summary>
    public void Answer(string line)
    {
        if (json)
            Say(line);
        else
            Write(Console.Out, TextLayout.Wrap(Printable.Escape(line), Terminal.OutputWidth));
    }

    /// <summary>The screen of a process whose results another one shows: nothing appears but why it failed.</summary>
    public Screen Silent() => new(json: true, verbose, silent: true);

    /// <summary>A table of what was asked for, on stdout; left out under <c>--json</c>.</summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows, string? title = null)
    {
        if (json)
            return;
        if (title is not null)
            Answer(title);
        Write(Console.Out, TextLayout.Table(columns, [.. rows.Select(row => row.Select(Printable.Escape).ToArray())],
            Terminal.OutputWidth));
        Console.Out.WriteLine();
    }

    /// <summary>The result of the verb, printed only under <c>--json</c>.</summary>
    public void Result(object document)
    {
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(document, Format));
    }

    /// <summary>Says in one sentence why the work ended.</summary>
    /// <param name="error">What was thrown.</param>
    /// <param name="interrupted">Whether someone asked for it.</param>
    /// <param name="who">Which of several processes it was.</param>
    /// <returns>The exit code.</returns>
    public int Fail(Exception error, bool interrupted, string who = "")
    {
        error = Cause(error);
        var (code, sentence) = error switch
        {
            OperationCanceledException { InnerException: not null } when interrupted => (Exit.Interrupted, error.Message),
            OperationCanceledException when interrupted => (Exit.Interrupted, "Interrupted."),
            DivergedException or ParityException or Int8Exception or RankLostException or FailedRunsException
                or WrongArithmeticException =>
                (Exit.Failed, error.Message),
            SchaneException => (Exit.WrongUse, error.Message),
            ArgumentException => (Exit.WrongUse, error.Message.Split(" (Parameter '")[0]),
            IOException or UnauthorizedAccessException or DllNotFoundException => (Exit.Failed, error.Message),
            ExternalException => (Exit.Failed, $"libtorch: {error.Message.Split('\n')[0]}"),
            _ => (Exit.Failed, $"Schane failed in a way it should not ({error.GetType().Name}: {error.Message.Split('\n')[0]}); run " +
                "again with --verbose and report what it prints."),
        };
        Say($"{(code == Exit.Interrupted ? "" : "error: ")}{who}{sentence}");
        if (verbose)
            Console.Error.WriteLine(string.Join(Environment.NewLine, error.ToString().Split(Environment.NewLine).Select(Printable.Escape)));
        Result(new { Error = who + sentence, ExitCode = code });
        return code;
    }

    private static void Write(TextWriter to, IEnumerable<string> lines)
    {
        foreach (var line in lines)
            to.WriteLine(line);
    }

    private static Exception Cause(Exception error) => error switch
    {
        AggregateException { InnerExceptions: [var one] } => Cause(one),
        TargetInvocationException or TypeInitializationException when error.InnerException is { } inner => Cause(inner),
        _ => error,
    };
}
