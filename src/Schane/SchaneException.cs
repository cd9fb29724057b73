namespace Schane;

/// <summary>
/// Wrong use or wrong input: a file, folder, recipe or option that breaks a rule. The message is one sentence for the user that names the
/// thing, the rule, the value and the way out. The command line prints it and exits with 2.
/// </summary>
public class SchaneException : Exception
{
    /// <summary>An error with its sentence.</summary>
    public SchaneException(string message) : base(message) { }

    /// <summary>An error with its sentence and what caused it.</summary>
    public SchaneException(string message, Exception inner) : base(message, inner) { }
}
