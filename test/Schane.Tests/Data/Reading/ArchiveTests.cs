using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Schane.Data.Reading;

namespace Schane.Tests.Data.Reading;

public sealed class ArchiveTests : IDisposable
{
    private readonly TemporaryFolder root = new();

    public void Dispose() => root.Dispose();

    private string Tar(bool packed, params TarEntry[] entries)
    {
        using var bytes = new MemoryStream();
        using (Stream to = packed ? new GZipStream(bytes, CompressionLevel.Optimal, leaveOpen: true) : bytes)
        {
            using var tar = new TarWriter(to, leaveOpen: true);
            foreach (var entry in entries)
                tar.WriteEntry(entry);
            tar.Dispose();
            return root.Write(packed ? "a.tar.gz" : "a.tar", packed ? Close(to, bytes) : bytes.ToArray());
        }

        static byte[] Close(Stream zip, MemoryStream bytes)
        {
            zip.Dispose();
            return bytes.ToArray();
        }
    }

    private static PaxTarEntry File(string name, string content) =>
        new(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)) };

    private string Zip(params (string Name, byte[] Content)[] entries)
    {
        using var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create))
            foreach (var (name, content) in entries)
            {
                using var to = zip.CreateEntry(name).Open();
                to.Write(content);
            }
        return root.Write("a.zip", bytes.ToArray());
    }

    private string Out => Path.Combine(root.Path, "out", "deep");

    private string Refusal(string archive) =>
        Assert.Throws<SchaneException>(() => Archive.Unpack(archive, Out, stop: TestContext.Current.CancellationToken)).Message;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_tar_is_unpacked_whether_packed_or_not(bool packed)
    {
        var path = Tar(packed, new PaxTarEntry(TarEntryType.Directory, "set/"), File("set/a b/ü.txt", "one"), File("./top.txt", ""));
        Assert.Equal(3, Archive.Unpack(path, Out, stop: TestContext.Current.CancellationToken));
        Assert.Equal("one", System.IO.File.ReadAllText(Path.Combine(Out, "set", "a b", "ü.txt")));
        Assert.Equal(0, new FileInfo(Path.Combine(Out, "top.txt")).Length);
    }

    [Fact]
    public void A_zip_is_unpacked_over_what_is_there()
    {
        Directory.CreateDirectory(Out);
        System.IO.File.WriteAllText(Path.Combine(Out, "x.txt"), "old");
        Archive.Unpack(Zip(("x.txt", "new"u8.ToArray()), ("empty/", []), ("d/y.txt", [1])), Out,
            stop: TestContext.Current.CancellationToken);
        Assert.Equal("new", System.IO.File.ReadAllText(Path.Combine(Out, "x.txt")));
        Assert.True(Directory.Exists(Path.Combine(Out, "empty")));
    }

    [Theory]
    [InlineData("../evil.txt")]
    [InlineData("a/../../evil.txt")]
    [InlineData("/tmp/schane-evil.txt")]
    [InlineData("..\\evil.txt")]
    [InlineData("C:/evil.txt")]
    [InlineData("../deep-not/evil.txt")]
    public void No_path_leaves_the_folder(string name)
    {
        Assert.Contains("outside", Refusal(Tar(false, File(name, "x"))));
        Assert.Contains("outside", Refusal(Zip((name, [1]))));
        Assert.Empty(Directory.EnumerateFiles(root.Path, "*evil*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Links_and_devices_are_refused_and_none_is_followed()
    {
        foreach (var kind in new[] { TarEntryType.SymbolicLink, TarEntryType.HardLink, TarEntryType.Fifo })
            Assert.Contains("no file", Refusal(Tar(false,
                kind == TarEntryType.Fifo ? new PaxTarEntry(kind, "x") : new PaxTarEntry(kind, "x") { LinkName = "/etc/passwd" })));
        Directory.CreateDirectory(Out);
        Directory.CreateDirectory(Path.Combine(root.Path, "elsewhere"));
        Directory.CreateSymbolicLink(Path.Combine(Out, "link"), Path.Combine(root.Path, "elsewhere"));
        Assert.Contains("through the link", Refusal(Tar(false, File("link/x.txt", "x"))));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(root.Path, "elsewhere")));
    }

    [Fact]
    public void A_bomb_is_refused()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var to = zip.CreateEntry("zeros").Open();
            for (var i = 0; i < 300; i++)
                to.Write(new byte[1 << 20]);
        }
        Assert.Contains("unpacks to more than", Refusal(root.Write("bomb.zip", stream.ToArray())));
        Assert.Empty(Directory.EnumerateFiles(Out));
    }

    [Fact]
    public void A_damaged_archive_is_named()
    {
        var whole = System.IO.File.ReadAllBytes(Tar(true, File("a.txt", new string('x', 5000)), File("b.txt", "y")));
        foreach (var bytes in new[] { whole[..(whole.Length / 2)], "<html>not found</html>"u8.ToArray() })
        {
            Assert.Contains("bad.tar.gz", Refusal(root.Write("bad.tar.gz", bytes)));
            Assert.Contains("bad.zip", Refusal(root.Write("bad.zip", bytes)));
        }
    }
}
