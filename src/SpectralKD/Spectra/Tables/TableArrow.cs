using Apache.Arrow;
using Apache.Arrow.Ipc;
using Microsoft.Data.Analysis;

namespace SpectralKD.Spectra;

/// <summary>
/// DataFrames as Arrow files (Feather version 2), which <c>pandas.read_feather</c>, <c>polars.read_ipc</c>, R's <c>read_feather</c> and DuckDB open: columns keep their types, numbers their bits,
/// nulls stay nulls.
/// </summary>
/// <example><code>
/// var blocks = ModelSpectrum.Load("deit.json").ToDataFrame();
/// TableArrow.Save(blocks, "blocks.arrow");
/// var again = TableArrow.Load("blocks.arrow");
/// </code></example>
public static class TableArrow
{
    /// <summary>Writes a table; columns of numbers, of true and false, of text.</summary>
    /// <param name="table">The table.</param>
    /// <param name="path">The file, usually <c>.arrow</c> or <c>.feather</c>.</param>
    /// <exception cref="SpectralKDException">The file cannot be written.</exception>
    public static void Save(DataFrame table, string path)
    {
        ArgumentNullException.ThrowIfNull(table);
        var columns = table.Columns.Select(column => (column.Name, Values: Values(column))).ToList();
        var schema = new Schema(columns.Select(column => new Field(column.Name, column.Values.Data.DataType, nullable: true)), null);
        using var batch = new RecordBatch(schema, columns.Select(column => column.Values), (int)table.Rows.Count);
        AtomicFile.Write(path, stream =>
        {
            using var writer = new ArrowFileWriter(stream, schema, leaveOpen: true);
            writer.WriteRecordBatch(batch);
            writer.WriteEnd();
        });
    }

    /// <summary>Reads a table: whole numbers, numbers, true and false, text; several batches become one table.</summary>
    /// <param name="path">An Arrow file, uncompressed (<c>to_feather(path, compression="uncompressed")</c> in pandas).</param>
    /// <exception cref="SpectralKDException">No such file, it is none, or a column is of another type.</exception>
    public static DataFrame Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new SpectralKDException($"there is no file {path}: give the path of an Arrow file");
        }

        try
        {
            using var stream = File.OpenRead(path);
            using var reader = new ArrowFileReader(stream);
            var columns = new Dictionary<string, List<object?>>();
            var types = new List<Field>();
            while (reader.ReadNextRecordBatch() is { } batch)
            {
                using (batch)
                {
                    for (var i = 0; i < batch.ColumnCount; i++)
                    {
                        var field = batch.Schema.GetFieldByIndex(i);
                        types.AddRange(types.Count <= i ? [field] : []);
                        columns.TryAdd(field.Name, []);
                        columns[field.Name].AddRange(Cells(batch.Column(i), field.Name, path));
                    }
                }
            }

            return new DataFrame(types.Count > 0 ? types.Select(field => Column(field.Name, columns[field.Name]))
                : reader.Schema.FieldsList.Select(field => Column(field.Name, [])));
        }
        catch (Exception error) when (error is InvalidDataException or InvalidOperationException or NotSupportedException or NotImplementedException or ArgumentException or IOException or OverflowException or UnauthorizedAccessException or IndexOutOfRangeException or NullReferenceException)
        {
            throw new SpectralKDException($"{path} is no Arrow file that can be read: {error.Message.Split('\n')[0].TrimEnd('.')}; it is to be an uncompressed Arrow IPC file", error);
        }
    }

    private static IArrowArray Values(DataFrameColumn column)
    {
        var cells = Enumerable.Range(0, (int)column.Length).Select(row => column[row]);
        return column switch
        {
            Int32DataFrameColumn => cells.Aggregate(new Int32Array.Builder(), (builder, cell) => cell is int value ? builder.Append(value) : builder.AppendNull()).Build(),
            Int64DataFrameColumn => cells.Aggregate(new Int64Array.Builder(), (builder, cell) => cell is long value ? builder.Append(value) : builder.AppendNull()).Build(),
            DoubleDataFrameColumn => cells.Aggregate(new DoubleArray.Builder(), (builder, cell) => cell is double value ? builder.Append(value) : builder.AppendNull()).Build(),
            SingleDataFrameColumn => cells.Aggregate(new FloatArray.Builder(), (builder, cell) => cell is float value ? builder.Append(value) : builder.AppendNull()).Build(),
            BooleanDataFrameColumn => cells.Aggregate(new BooleanArray.Builder(), (builder, cell) => cell is bool value ? builder.Append(value) : builder.AppendNull()).Build(),
            _ => cells.Aggregate(new StringArray.Builder(), (builder, cell) => cell is null ? builder.AppendNull() : builder.Append(Convert.ToString(cell, System.Globalization.CultureInfo.InvariantCulture))).Build(),
        };
    }

    private static IEnumerable<object?> Cells(IArrowArray array, string name, string path)
    {
        Func<int, object?> cell = array switch
        {
            StringArray text => row => text.GetString(row),
            BooleanArray truth => row => truth.GetValue(row),
            DoubleArray numbers => row => numbers.GetValue(row),
            FloatArray numbers => row => numbers.GetValue(row),
            Int64Array numbers => row => numbers.GetValue(row),
            Int32Array numbers => row => numbers.GetValue(row),
            Int16Array numbers => row => (int?)numbers.GetValue(row),
            Int8Array numbers => row => (int?)numbers.GetValue(row),
            UInt8Array numbers => row => (int?)numbers.GetValue(row),
            UInt16Array numbers => row => (int?)numbers.GetValue(row),
            UInt32Array numbers => row => (long?)numbers.GetValue(row),
            _ => throw new SpectralKDException($"{path}: the column {name} is of the type {array.Data.DataType.Name}, which no table here has; write it as numbers or text"),
        };
        return [.. Enumerable.Range(0, array.Length).Select(cell)];
    }

    private static DataFrameColumn Column(string name, List<object?> cells) => Column(name, cells.FirstOrDefault(cell => cell is not null)?.GetType(), cells);

    /// <summary>A column of a type that tables have: whole numbers, numbers, true and false, else text.</summary>
    internal static DataFrameColumn Column(string name, Type? type, IEnumerable<object?> cells) => Type.GetTypeCode(type) switch
    {
        TypeCode.Int32 => new Int32DataFrameColumn(name, cells.Cast<int?>()),
        TypeCode.Int64 => new Int64DataFrameColumn(name, cells.Cast<long?>()),
        TypeCode.Double => new DoubleDataFrameColumn(name, cells.Cast<double?>()),
        TypeCode.Single => new SingleDataFrameColumn(name, cells.Cast<float?>()),
        TypeCode.Boolean => new BooleanDataFrameColumn(name, cells.Cast<bool?>()),
        _ => new StringDataFrameColumn(name, cells.Cast<string?>()),
    };
}
