using System.CommandLine;

namespace Schane.Cli.Verbs;

/// <summary>Writes the embeddings of images to a file.</summary>
internal sealed class EmbedVerb : Verb
{
    private readonly Argument<string> run = new("RUN")
    {
        HelpName = "[RUN]", Arity = ArgumentArity.ZeroOrOne,
        Description = "Run folder whose model embeds; without it --model with --weights."
    };
    private readonly SourceFlags source = new("Images to embed. Default: those that RUN was trained and measured on.");
    private readonly Option<string> output = new("--out")
    {
        HelpName = "FILE",
        Description = "Where to: .safetensors, .parquet, or .npy with a .csv of its rows beside it. Default: embeddings.safetensors."
    };

    public EmbedVerb() : base("embed", "Writes the embeddings of images, with their names, parts and labels, to a file.")
    {
        Add(run);
        Flags("Flags", [.. source.Flags, output]);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("schane embed runs/photos-schane-1 --out photos.parquet", "all images of a run, for a data frame"),
        new("schane embed --data photos --out photos.npy", "by the weights at hand, for NumPy"),
    ];

    public override Outcome Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var path = parsed.GetValue(output) ?? "embeddings.safetensors";
        var wanted = source.Read(parsed, parsed.GetValue(run));
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new SchaneException(
                $"'{path}' can't be written: there is no folder '{folder}'. Make it, or name another file with --out.");
        var found = LongWork.Show(screen, show => (wanted with { Progress = new ShownTraining(show) }).Embed(stop));
        found.Save(path);
        var parts = found.Parts.GroupBy(part => part).ToDictionary(part => part.Key, part => part.Count());
        screen.Answer($"{found.Embeddings.Count} embeddings of width {found.Embeddings.Width} " +
            $"({string.Join(", ", parts.Select(part => $"{part.Key} {part.Value}"))}) are in {path}.");
        return new(new { file = path, images = found.Embeddings.Count, width = found.Embeddings.Width, parts });
    }
}
