using System.Runtime.InteropServices;

namespace Schane.Losses.Tiled;

/// <summary>Memory outside the collected heap, aligned to 64 bytes, that grows and is kept from step to step.</summary>
internal sealed unsafe class Buffer<T> : IDisposable where T : unmanaged
{
    private T* pointer;
    private long capacity;

    ~Buffer() => Free();

    public T* Pointer => pointer;

    public long Bytes => capacity * sizeof(T);

    /// <summary>At least <paramref name="count"/> elements; what was in it is lost when it grows.</summary>
    public T* Ensure(long count)
    {
        if (count > capacity)
        {
            Free();
            pointer = (T*)NativeMemory.AlignedAlloc((nuint)(count * sizeof(T)), 64);
            capacity = count;
        }
        return pointer;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(pointer);
        pointer = null;
        capacity = 0;
    }
}
