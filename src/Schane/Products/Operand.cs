namespace Schane.Products;

/// <summary>A factor of a matrix product: element (i, j) at start + i·row + j·column. One of the two steps is 1.</summary>
internal readonly unsafe struct Operand(float* start, nint row, nint column)
{
    /// <summary>Its first element.</summary>
    public readonly float* Start = start;

    /// <summary>Floats from row to row, and from column to column.</summary>
    public readonly nint Row = row, Column = column;

    /// <summary>A matrix of so many columns that lies row after row.</summary>
    public static Operand Rows(float* start, int columns) => new(start, columns, 1);

    /// <summary>The transpose of a matrix of so many columns that lies row after row.</summary>
    public static Operand Transposed(float* start, int columns) => new(start, 1, columns);

    /// <summary>The part that begins at (i, j).</summary>
    public Operand From(int i, int j) => new(Start + i * Row + j * Column, Row, Column);
}
