using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Schane.Distributed.Mpi;

/// <summary>
/// All ranks of an MPI job and the waiting for them: started operations are tested until they are done, asleep in between, and a deadline
/// counts from the last sign of life. Ranks that wait for long tell each other so; whoever is missing when the deadline passes is named.
/// </summary>
internal sealed unsafe class MpiWorld
{
    private const int NoteTag = 1717;
    /// <summary>What the launcher needs to read what was printed last: MPICH's ends with the job and once lost it all.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(2), Patience = TimeSpan.FromSeconds(10);

    private readonly MpiLibrary mpi;
    private readonly TimeSpan deadline;
    private readonly Lock gate = new();                                   // MPI is entered by one thread at a time
    private readonly long[] waitsIn;                                      // per rank the number of the collective it said it waits in
    private readonly nint scratch = Marshal.AllocHGlobal(256);            // a received note, and a status that nobody reads
    private long collective, heard;
    private bool noted, left, ending;

    /// <summary>Starts MPI in this process.</summary>
    /// <exception cref="SchaneException">Launcher and library belong to different MPIs.</exception>
    public MpiWorld(MpiLibrary mpi, Launch launch, TimeSpan deadline)
    {
        (this.mpi, this.deadline) = (mpi, deadline);
        int level, rank, size;
        Check(mpi.InitThread(0, 0, mpi.Handles.Serialized, &level));
        Check(mpi.RankOf(mpi.Handles.World, &rank));
        Check(mpi.SizeOf(mpi.Handles.World, &size));
        if (size != launch.Size || rank != launch.Rank)
            throw new SchaneException(
                $"The launcher started {launch.Size} ranks ({launch.Variable}), but {mpi.Name} sees a world of {size}: they belong to " +
                $"different MPIs. Start with the mpirun of {mpi.Version}, or name the launcher's library in {MpiLibrary.Override}.");
        if (level < mpi.Handles.Serialized)
            throw new SchaneException(
                $"{mpi.Name} does not let several threads take turns (MPI_THREAD_SERIALIZED); use an MPI that was built with threads.");
        (Rank, Size, waitsIn) = (rank, size, new long[size]);
        Hosts = [.. Enumerable.Repeat("a host not yet known", size)];
        // A rank that leaves early, with exit code 0 even, must not leave the others waiting.
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (!left && !ending)                                         // nobody is left to be told in another way
                Console.Error.WriteLine($"error: Rank {Rank} on {Environment.MachineName} left before the end, so the job ends; `schane " +
                    "train --resume` goes on from the last checkpoint.");
            Abort(1);
        };
    }

    public int Rank { get; }

    public int Size { get; }

    public IReadOnlyList<string> Hosts { get; set; }

    /// <summary>Starts an operation of all ranks and waits for its end.</summary>
    /// <param name="what">Its name, for people.</param>
    /// <param name="start">Starts it and writes its request.</param>
    /// <param name="large">Worth waiting until all ranks have come, so that the transfer itself can be waited for without sleep.</param>
    public void Complete(string what, Func<nint, int> start, bool large)
    {
        collective++;
        noted = false;
        if (large)
            Await(what, request => mpi.Barrier(mpi.Handles.World, (nint*)request), Quick);
        Await(what, start, large ? TimeSpan.FromSeconds(1) : Quick);
    }

    /// <summary>Tells the others that this rank is alive and at work. Any thread.</summary>
    public void GiveLife() => Note(0);

    /// <summary>The orderly end.</summary>
    public void Leave()
    {
        Complete("end", request => mpi.Barrier(mpi.Handles.World, (nint*)request), large: false);
        using var guard = new Timer(_ => EndProcess(1), null, deadline, Timeout.InfiniteTimeSpan);
        lock (gate)
        {
            while (Hear()) { }
            left = true;
            Check(mpi.Finalize());
        }
    }

    /// <summary>Ends all ranks, this one too, a second later and without waiting for any; nothing where this rank has left.</summary>
    public void Abort(int exitCode)
    {
        if (left || ending)
            return;
        ending = true;
        Thread.Sleep(LastWords);
        // MPI_Abort ends this process; it may hang where the launcher is gone.
        var ends = new Thread(() => mpi.Abort(mpi.Handles.World, exitCode)) { IsBackground = true };
        ends.Start();
        ends.Join(Patience);
        EndProcess(exitCode);
    }

    private void Await(string what, Func<nint, int> start, TimeSpan brisk)
    {
        nint request = 0;
        lock (gate)
            Check(start((nint)(&request)));
        var began = Stopwatch.GetTimestamp();
        heard = began;
        while (true)
        {
            var waited = Stopwatch.GetElapsedTime(began);
            lock (gate)
            {
                int done;
                Check(mpi.Test(&request, &done, scratch + 64));
                if (done != 0)
                    return;
                if (waited >= brisk)
                    while (Hear()) { }
            }
            if (waited < brisk)
            {
                Thread.Yield();
                continue;
            }
            // MPI has no wait that sleeps or that ends by a deadline: MPI_Wait spins on a core that others could use
            Thread.Sleep(1);
            if (!noted && (waited > deadline / 10 || waitsIn.Contains(collective)))
            {
                noted = true;
                Note(collective);
            }
            if (Stopwatch.GetElapsedTime(heard) > deadline)
                Lose(what);
        }
    }

    private void Lose(string what)
    {
        var missing = Enumerable.Range(0, Size).Where(r => r != Rank && waitsIn[r] != collective).ToList();
        // A rank before this one says it, and ends this process meanwhile: there is no other event to wait for.
        if (Enumerable.Range(0, Rank).Any(r => !missing.Contains(r)))
            Thread.Sleep(Patience);
        var silence = deadline.TotalSeconds >= 120 ? $"{deadline.TotalMinutes:0.#} minutes" : $"{deadline.TotalSeconds:0.#} s";
        var silent = missing.Count == 0 ? "Every rank waits, but nothing has come through"
            : $"{string.Join(", ", missing.Select((r, i) => $"{(i == 0 ? "Rank" : "rank")} {r} on {Hosts[r]}"))} " +
                $"{(missing.Count == 1 ? "has" : "have")} given no sign of life";
        throw new RankLostException($"{silent} for {silence} ({what}, seen from rank {Rank} on {Hosts[Rank]}), so the job ends; `schane " +
            "train --resume` goes on from the last checkpoint.");
    }

    // One number to every other rank; the few bytes each are not given back, since a rank that is stopped may take them at any time.
    private void Note(long waitsIn)
    {
        lock (gate)
        {
            if (left || ending)
                return;
            for (var other = 0; other < Size; other++)
            {
                if (other == Rank)
                    continue;
                var note = (long*)Marshal.AllocHGlobal(2 * sizeof(long));
                (note[0], note[1]) = (Rank, waitsIn);
                nint request;
                Check(mpi.Send((nint)note, 2, mpi.Handles.Int64, other, NoteTag, mpi.Handles.World, &request));
                Check(mpi.Free(&request));
            }
        }
    }

    // Takes one note if there is one. The caller holds the gate.
    private bool Hear()
    {
        int there;
        Check(mpi.Probe(mpi.Handles.AnySource, NoteTag, mpi.Handles.World, &there, scratch + 64));
        if (there == 0)
            return false;
        Check(mpi.Receive(scratch, 2, mpi.Handles.Int64, mpi.Handles.AnySource, NoteTag, mpi.Handles.World, scratch + 64));
        var note = (long*)scratch;
        waitsIn[note[0]] = note[1];
        heard = Stopwatch.GetTimestamp();
        return true;
    }

    private void Check(int code)
    {
        if (code != 0)
            throw new RankLostException($"{mpi.Name} reports error {code} on {Environment.MachineName}; its own words stand above.");
    }

    // Not Environment.Exit: neither libtorch's destructors nor MPI's may run while others compute or wait.
    private static void EndProcess(int exitCode)
    {
        if (OperatingSystem.IsWindows())
            Process.GetCurrentProcess().Kill();
        else
            EndAtOnce(exitCode);
    }

    [DllImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void EndAtOnce(int exitCode);
}
