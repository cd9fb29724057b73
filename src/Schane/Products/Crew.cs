namespace Schane.Products;

/// <summary>Threads that wait for work, so that a step starts none and allocates nothing. The caller is the first of them.</summary>
internal sealed class Crew : IDisposable
{
    private readonly Thread[] threads;
    private readonly SemaphoreSlim[] start;
    private readonly CountdownEvent finished;
    private Action<int>? work;
    private Exception? failure;

    public Crew(int size)
    {
        Size = size;
        start = [.. Enumerable.Range(1, size - 1).Select(_ => new SemaphoreSlim(0))];
        finished = new CountdownEvent(Math.Max(1, size - 1));
        threads = [.. start.Select((_, i) => new Thread(() => Serve(i)) { IsBackground = true, Name = $"products {i + 1}" })];
        foreach (var thread in threads)
            thread.Start();
    }

    public int Size { get; }

    /// <summary>Runs <paramref name="share"/>(0) … (<paramref name="count"/> − 1), each on its thread, and waits for all.</summary>
    /// <param name="share">What each thread does.</param>
    /// <param name="count">Threads that do it, up to <see cref="Size"/>; the others sleep on.</param>
    public void Run(Action<int> share, int count)
    {
        if (count == 1)
        {
            share(0);
            return;
        }
        (work, failure) = (share, null);
        finished.Reset(count - 1);
        for (var i = 0; i < count - 1; i++)
            start[i].Release();
        try
        {
            share(0);
        }
        finally
        {
            finished.Wait();
        }
        if (failure is not null)
            throw new InvalidOperationException("A thread of a matrix product failed.", failure);
    }

    public void Dispose()
    {
        work = null;
        foreach (var gate in start)
            gate.Release();
        foreach (var thread in threads)
            thread.Join();
        foreach (var gate in start)
            gate.Dispose();
        finished.Dispose();
    }

    private void Serve(int index)
    {
        while (true)
        {
            start[index].Wait();
            if (work is not { } share)
                return;
            try
            {
                share(index + 1);
            }
#pragma warning disable CA1031 // Handed to the caller of Run.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failure = e;
            }
            finished.Signal();
        }
    }
}
