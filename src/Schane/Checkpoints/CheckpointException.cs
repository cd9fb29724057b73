namespace Schane.Checkpoints;

/// <summary>A file of weights breaks a rule: truncated, not of its format, hostile, or not of the model it is loaded into.</summary>
internal class CheckpointException : SchaneException
{
    /// <summary>An error that names the file and the rule.</summary>
    /// <param name="origin">Path or address of the file.</param>
    /// <param name="rule">The rest of the sentence: what the file does and what it must do.</param>
    public CheckpointException(string origin, string rule) : base($"'{origin}' {rule}") => Origin = origin;

    /// <summary>The same with what caused it.</summary>
    public CheckpointException(string origin, string rule, Exception inner) : base($"'{origin}' {rule}", inner) => Origin = origin;

    /// <summary>Path or address of the file.</summary>
    public string Origin { get; }
}
