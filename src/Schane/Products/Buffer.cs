using System.Runtime.InteropServices;

namespace Schane.Products;

/// <summary>Memory outside the garbage-collected heap, aligned to 64 bytes, that grows and is kept from step to step.</summary>
internal sealed unsafe class Buffer<T> : IDisposable where T : unmanaged
{
    private T* pointer;
    private long capacity, length;

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
        length = count;
        return pointer;
    }

    /// <summary>Zeros in all that was last asked for.</summary>
    public void Clear()
    {
        for (long at = 0; at < length; at += 1 << 24)
            new Span<T>(pointer + at, (int)Math.Min(1 << 24, length - at)).Clear();
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
        capacity = length = 0;
    }
}
