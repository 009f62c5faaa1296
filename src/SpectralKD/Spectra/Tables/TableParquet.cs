using Microsoft.Data.Analysis;
using Parquet.Schema;
using Parquet.Serialization;

namespace SpectralKD.Spectra;

/// <summary>
/// DataFrames as Apache Parquet files (one row group, Snappy), which <c>pandas.read_parquet</c>, polars, R's arrow, DuckDB and Spark open: columns keep their types, numbers their bits, nulls stay nulls.
/// </summary>
/// <example><code>
/// var blocks = ModelSpectrum.Load("deit.json").ToDataFrame();
/// TableParquet.Save(blocks, "blocks.parquet");
/// var again = TableParquet.Load("blocks.parquet");
/// </code></example>
public static class TableParquet
{
    /// <summary>Writes a table; columns of numbers, of true and false, of text.</summary>
    /// <param name="table">The table.</param>
    /// <param name="path">The file, usually <c>.parquet</c>.</param>
    /// <exception cref="SpectralKDException">The file cannot be written.</exception>
    public static void Save(DataFrame table, string path)
    {
        ArgumentNullException.ThrowIfNull(table);
        var columns = table.Columns.Select(column => (Column: column, Type: Written.Contains(column.DataType) ? column.DataType : typeof(string))).ToList();
        var schema = new ParquetSchema(columns.Select(pair => new DataField(pair.Column.Name, pair.Type, isNullable: true)));
        var rows = Enumerable.Range(0, (int)table.Rows.Count).Select(row => (IDictionary<string, object?>)columns.ToDictionary(
            pair => pair.Column.Name, pair => Cell(pair.Column[row], pair.Type))).ToList();
        using var bytes = new MemoryStream();
        ParquetSerializer.SerializeUntypedAsync(rows, schema, bytes).GetAwaiter().GetResult();
        AtomicFile.Write(path, bytes.WriteTo);
    }

    /// <summary>Reads a table: whole numbers, numbers, true and false, text; compressed or not, several row groups become one table.</summary>
    /// <param name="path">A Parquet file of flat columns, such as <c>DataFrame.to_parquet</c> of pandas writes.</param>
    /// <exception cref="SpectralKDException">No such file, it is none, or a column is of another type.</exception>
    public static DataFrame Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new SpectralKDException($"there is no file {path}: give the path of a Parquet file");
        }

        try
        {
            using var bytes = new MemoryStream(File.ReadAllBytes(path));
            var file = ParquetSerializer.DeserializeUntypedAsync(bytes).GetAwaiter().GetResult();
            return new DataFrame(file.Schema.Fields.Select(field => TableArrow.Column(
                field.Name, TypeOf(field, path), file.Data.Select(row => Cell(row.TryGetValue(field.Name, out var cell) ? cell : null)))));
        }
        catch (Exception error) when (error is not (SpectralKDException or OutOfMemoryException))
        {
            throw new SpectralKDException($"{path} is no Parquet file that can be read: {error.Message.Split('\n')[0].TrimEnd('.')}", error);
        }
    }

    private static readonly Type[] Written = [typeof(int), typeof(long), typeof(double), typeof(float), typeof(bool), typeof(string)];

    // Small whole numbers become int, uint long: a table has no other.
    private static Type TypeOf(Field field, string path) => field is not DataField { IsArray: false } data ? throw Strange(field, "nested", path)
        : data.ClrType == typeof(ReadOnlyMemory<char>) || data.ClrType == typeof(string) ? typeof(string)
        : Written.Contains(data.ClrType) ? data.ClrType
        : data.ClrType == typeof(byte) || data.ClrType == typeof(sbyte) || data.ClrType == typeof(short) || data.ClrType == typeof(ushort) ? typeof(int)
        : data.ClrType == typeof(uint) ? typeof(long)
        : throw Strange(field, data.ClrType.Name, path);

    private static SpectralKDException Strange(Field field, string type, string path) =>
        new($"{path}: the column {field.Name} is of the type {type}, which no table here has; write it as numbers or text");

    private static object? Cell(object? value, Type written) => value is null || Written.Contains(value.GetType()) ? value : Convert.ChangeType(value, written, System.Globalization.CultureInfo.InvariantCulture);

    private static object? Cell(object? value) => value switch
    {
        byte or sbyte or short or ushort => Convert.ToInt32(value, System.Globalization.CultureInfo.InvariantCulture),
        uint number => (long)number,
        _ => value,
    };
}
