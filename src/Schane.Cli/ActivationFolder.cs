using Schane.Checkpoints;
using Schane.Data;
using Schane.Inference;

namespace Schane.Cli;

/// <summary>A folder of images that show where a model saw its answers.</summary>
internal sealed class ActivationFolder
{
    private readonly string folder;

    /// <exception cref="SchaneException">The folder can't be made.</exception>
    public ActivationFolder(string folder)
    {
        this.folder = folder;
        Try(() => Directory.CreateDirectory(folder), folder);
    }

    /// <summary>Writes that of one answer, unless there was no image to be read.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="number">Its number, from 1.</param>
    /// <exception cref="SchaneException">The file can't be written.</exception>
    public void Write(Prediction answer, int number)
    {
        if (answer.Why is not { } image)
            return;
        var file = Path.Combine(folder, $"{number:0000}-{Path.GetFileNameWithoutExtension(answer.Image)}.png");
        Try(() => AtomicFile.Write(file, stream => stream.Write(ImageEncoder.Png(image))), file);
    }

    private static void Try(Action write, string path)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new SchaneException($"'{Printable.Escape(path)}' can't be written ({Printable.Escape(e.Message.TrimEnd('.'))}); name " +
                "another folder with --why.", e);
        }
    }
}
