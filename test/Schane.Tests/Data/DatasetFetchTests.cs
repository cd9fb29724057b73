using System.Security.Cryptography;
using Schane.Checkpoints;
using Schane.Checkpoints.Hub;
using Schane.Data;
using Schane.Tests.Checkpoints;

namespace Schane.Tests.Data;

public sealed class DatasetFetchTests : IDisposable
{
    private static readonly HubOptions Quick = new()
    { Retries = 2, RetryDelay = TimeSpan.FromMilliseconds(1), Silence = TimeSpan.FromSeconds(20), Token = "secret" };
    private readonly TemporaryFolder root = new();

    public void Dispose() => root.Dispose();

    private static CatalogEntry Entry(Uri server, byte[] archive, string? sha256 = null, bool unpacked = true) =>
        DatasetCatalog.Find("cub") with
        {
            Archives = [new(new(server, unpacked ? "set.zip" : "list.mat"), archive.Length,
                sha256 ?? Convert.ToHexStringLower(SHA256.HashData(archive)), unpacked)],
            Folder = "birds",
        };

    private static byte[] Archive()
    {
        using var stream = new MemoryStream();
        using (var zip = new System.IO.Compression.ZipArchive(stream, System.IO.Compression.ZipArchiveMode.Create))
        {
            using var to = zip.CreateEntry("CUB_200_2011/images.txt").Open();
            to.Write(RandomNumberGenerator.GetBytes(50_000));
        }
        return stream.ToArray();
    }

    private Task<string> Fetch(CatalogEntry entry, IProgress<FetchProgress>? progress = null) =>
        DatasetFetch.RunAsync(entry, root.Path, Quick, progress, TestContext.Current.CancellationToken);

    [Fact]
    public async Task A_data_set_is_fetched_checked_and_unpacked_and_not_again()
    {
        var archive = Archive();
        using var server = new LoopbackServer(r => r.FileAsync(archive));
        var told = new List<FetchProgress>();
        var folder = await Fetch(Entry(server.Address, archive), new Heard(told));
        Assert.Equal(50_000, new FileInfo(Path.Combine(folder, "CUB_200_2011", "images.txt")).Length);
        Assert.False(File.Exists(Path.Combine(folder, "set.zip")));
        Assert.Contains(told, t => t.What == "fetch set.zip" && t.Done == archive.Length);
        Assert.Contains(told, t => t.What == "unpack set.zip");
        Assert.All(server.Snapshot(), r => Assert.False(r.Headers.ContainsKey("Authorization")));
        var asked = server.Snapshot().Length;
        await Fetch(Entry(server.Address, archive));
        Assert.Equal(asked, server.Snapshot().Length);
    }

    [Fact]
    public async Task A_fetch_that_was_cut_goes_on_where_it_stopped()
    {
        var archive = Archive();
        var calls = 0;
        using var server = new LoopbackServer(r => r.FileAsync(archive, ++calls == 1 ? 20_000 : int.MaxValue));
        await Fetch(Entry(server.Address, archive));
        Assert.Equal([0, 20_000], server.Snapshot().Select(r => r.From));
    }

    [Fact]
    public async Task Another_file_than_the_official_one_is_thrown_away_unopened()
    {
        var archive = Archive();
        using var server = new LoopbackServer(r => r.FileAsync(archive));
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Fetch(Entry(server.Address, archive, new string('0', 64))));
        Assert.Contains("SHA-256", error.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(root.Path, "birds")));
    }

    [Fact]
    public async Task A_file_that_is_no_archive_is_kept_as_it_is()
    {
        byte[] list = [1, 2, 3];
        using var server = new LoopbackServer(r => r.FileAsync(list));
        var folder = await Fetch(Entry(server.Address, list, unpacked: false));
        await Fetch(Entry(server.Address, list, unpacked: false));
        Assert.Equal(list, File.ReadAllBytes(Path.Combine(folder, "list.mat")));
        Assert.Equal(1, server.Count("GET"));
    }

    [Fact]
    public async Task What_cannot_be_fetched_says_so()
    {
        Assert.Contains("schane data check imagenet", (await Assert.ThrowsAsync<SchaneException>(() =>
            DatasetFetch.RunAsync("imagenet", root.Path, stop: TestContext.Current.CancellationToken))).Message);
        Assert.Contains("did you mean 'cub'", (await Assert.ThrowsAsync<SchaneException>(() =>
            DatasetFetch.RunAsync("cubb", root.Path, stop: TestContext.Current.CancellationToken))).Message);
    }

    [Fact]
    public void Every_official_file_has_a_size_and_a_hash()
    {
        Assert.All(DatasetCatalog.Entries.SelectMany(e => e.Archives),
            a => Assert.True(a.Bytes > 0 && a.Sha256.Length == 64 && a.Sha256.All(char.IsAsciiHexDigitLower)));
        Assert.NotEmpty(DatasetCatalog.Find("cifar100").Archives);
    }

    private sealed class Heard(List<FetchProgress> told) : IProgress<FetchProgress>
    {
        public void Report(FetchProgress value) => told.Add(value);
    }
}
