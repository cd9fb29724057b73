using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Schane.Evaluation.Embeddings;
using Schane.Evaluation.Episodes;
using Schane.Tensors;
using static TorchSharp.torch;
using NativeMemory = Schane.Tensors.NativeMemory;

namespace Schane.Benchmarks;

/// <summary>How much faster are episodes side by side than scikit-learn's loop over them? Logistic regression, 5
/// ways, 640-d features.</summary>
internal static class FewShotSpeed
{
    private const int Width = 640, Classes = 20, PerClass = 600;

    // The loop of the RFS evaluation: one fit an episode, scikit-learn's solver and settings.
    private const string Loop = """
        import sys, time, json, numpy as np
        from sklearn.linear_model import LogisticRegression
        rows, support, query, shots, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
        z = np.fromfile(rows, dtype=np.float32).reshape(-1, 640)
        z = z / np.linalg.norm(z, axis=1, keepdims=True)
        s = np.fromfile(support, dtype=np.int32).reshape(-1, 5 * shots)[:count]
        q = np.fromfile(query, dtype=np.int32).reshape(-1, 75)[:count]
        ys, yq = np.repeat(np.arange(5), shots), np.repeat(np.arange(5), 15)
        wall, cpu, right = time.perf_counter(), time.process_time(), 0.0
        for a, b in zip(s, q):
            clf = LogisticRegression(penalty='l2', random_state=0, C=1.0, solver='lbfgs', max_iter=1000, multi_class='multinomial')
            clf.fit(z[a], ys)
            right += (clf.predict(z[b]) == yq).mean()
        print(json.dumps({'wall': time.perf_counter() - wall, 'cpu': time.process_time() - cpu, 'accuracy': right / len(s)}))
        """;

    public static int Run(string[] arguments)
    {
        int Option(string name, int otherwise) =>
            Array.IndexOf(arguments, name) is var at and >= 0 ? int.Parse(arguments[at + 1], CultureInfo.InvariantCulture) : otherwise;
        var (episodes, peer, threads) = (Option("--episodes", 10_000), Option("--peer-episodes", 10_000),
            Option("--threads", Environment.ProcessorCount));
        set_num_threads(threads);
        NativeMemory.KeepFreedPages();
        var data = Features();
        foreach (var shots in (int[])[1, 5])
        {
            var list = EpisodeList.Draw(data.Labels, data.Classes, new FewShotOptions { Shots = shots, Episodes = episodes });
            // warms up
            FewShot.Run(data, new(list.Options with { Episodes = 100 }, list.Images, [.. list.Episodes.Take(100)]),
                FewShotClassifier.LogisticRegression);
            var accuracy = 0.0;
            var ours = Times.Of(() => accuracy = FewShot.Run(data, list, FewShotClassifier.LogisticRegression).Accuracy.Mean, 1, 1);
            Console.WriteLine(Invariant(
                $"{shots} shots, {episodes} episodes, {threads} threads: {ours.Wall / 1000:F2} s wall, {ours.Cpu / 1000:F2} s CPU") +
                Invariant($", accuracy {accuracy:F5}"));
            var (products, rows) = Limit(shots, episodes);
            Console.WriteLine(Invariant(
                $"  limit: the products of support rows, weights and queries at the rate of a float64 matrix product {products:F2} s"));
            Console.WriteLine(Invariant($"  limit: every row read once at the rate of a copy {rows:F2} s"));
            if (Peer(data, list, shots, Math.Min(peer, episodes)) is not { } theirs)
            {
                Console.WriteLine("scikit-learn: no /usr/bin/python3 with sklearn here; install python3-sklearn for the pair.");
                continue;
            }
            var scale = episodes / (double)Math.Min(peer, episodes);
            Console.WriteLine(Invariant($"  scikit-learn's loop: {theirs.Wall * scale:F2} s wall, {theirs.Cpu * scale:F2} s CPU") +
                Invariant($", accuracy {theirs.Accuracy:F5}; ratio {theirs.Wall * scale * 1000 / ours.Wall:F1} by wall") +
                Invariant($", {theirs.Cpu * scale * 1000 / ours.Cpu:F1} by CPU"));
        }
        return 0;
    }

    /// <summary>Seconds that the arithmetic and the memory of all episodes need, each by itself, on all threads.</summary>
    private static (double Products, double Rows) Limit(int shots, int episodes)
    {
        const int side = 768, queries = 75, ways = 5;
        using var scope = NewDisposeScope();
        var (square, n) = (rand(side, side, float64), ways * shots);
        var rate = 2.0 * side * side * side / Times.Interleaved(5, 1, (() => square.matmul(square).Dispose(), 5))[0].Wall * 1000;
        var (from, to) = (new byte[256 << 20], new byte[256 << 20]);
        var parts = Environment.ProcessorCount;
        void Copy() => Parallel.For(0, parts,
            part => from.AsSpan(part * (from.Length / parts), from.Length / parts).CopyTo(to.AsSpan(part * (from.Length / parts))));
        var bytes = from.Length / Times.Interleaved(5, 1, (Copy, 1))[0].Wall * 1000;
        return (episodes * 2.0 * Width * (n * (n + 1) / 2 + n * ways + queries * ways) / rate,
            episodes * (double)(n + queries) * Width * sizeof(float) / bytes);
    }

    private static EmbeddingSet Features()
    {
        var random = new SampleRandom(1);
        var (values, labels) = (new float[Classes * PerClass * Width], new int[Classes * PerClass]);
        for (var c = 0; c < Classes; c++)
        {
            var mean = new double[Width];
            for (var d = 0; d < Width; d++)
                mean[d] = 0.3 * random.Normal();
            for (var i = 0; i < PerClass; i++)
            {
                labels[c * PerClass + i] = c;
                for (var d = 0; d < Width; d++)
                    values[(c * PerClass + i) * Width + d] = (float)(mean[d] + random.Normal());
            }
        }
        return new(values, Width, labels, [.. Enumerable.Range(0, Classes).Select(c => $"{c}")]);
    }

    private static (double Wall, double Cpu, double Accuracy)? Peer(EmbeddingSet data, EpisodeList list, int shots, int count)
    {
        if (!File.Exists("/usr/bin/python3"))
            return null;
        var folder = Directory.CreateTempSubdirectory("schane-fewshot-");
        try
        {
            string Write<T>(string name, T[] numbers) where T : struct
            {
                var path = Path.Combine(folder.FullName, name);
                File.WriteAllBytes(path, MemoryMarshal.AsBytes<T>(numbers).ToArray());
                return path;
            }
            string[] parameters = ["-W", "ignore", "-c", Loop, Write("rows", data.Values),
                Write("support", list.Episodes.SelectMany(e => e.Support).ToArray()),
                Write("query", list.Episodes.SelectMany(e => e.Query).ToArray()), $"{shots}", $"{count}"];
            using var python = Process.Start(
                new ProcessStartInfo("/usr/bin/python3", parameters) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var text = python.StandardOutput.ReadToEndAsync();
            python.StandardError.ReadToEnd();
            python.WaitForExit();
            if (python.ExitCode != 0)
                return null;
            using var found = JsonDocument.Parse(text.Result);
            double Of(string name) => found.RootElement.GetProperty(name).GetDouble();
            return (Of("wall"), Of("cpu"), Of("accuracy"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
